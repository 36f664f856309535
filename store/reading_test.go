package store_test

import (
	"reflect"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// What people elsewhere started in a community is read on where it was left, what
// something goes on in first.
func TestReadingsAreOfWhatOthersStarted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		trees := founded("trees", "hull.example")
		object := func(name string, local bool, minute int) *copse.Object {
			return &copse.Object{
				ID: store.NewID(), URI: "https://hull.example/" + name, Kind: "topic", Community: trees.ID, Author: trees.ID, Local: local,
				Audience: copse.Public, Published: time.Date(2027, 3, 1, 9, minute, 0, 0, time.UTC),
			}
		}
		ash, elm, oak, own := object("ash", false, 1), object("elm", false, 3), object("oak", false, 2), object("own", true, 4)
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddCommunity(trees); err != nil {
				return err
			}
			for _, o := range []*copse.Object{ash, elm, oak, own} {
				if err := tx.AddObject(o); err != nil {
					return err
				}
			}
			reply := object("reply", false, 5)
			reply.Parent = ash.ID
			if err := tx.AddObject(reply); err != nil {
				return err
			}
			for _, tag := range []string{`"1"`, `"2"`} {
				if err := tx.SetReading(store.Reading{Object: elm.ID, Place: "https://hull.example/t/1", Tag: tag}); err != nil {
					return err
				}
			}
			return tx.SetReading(store.Reading{Object: oak.ID})
		})
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.Readings(trees.ID, 10)
			want := []store.Reading{
				{Object: ash.ID, URI: ash.URI}, {Object: elm.ID, URI: elm.URI, Begun: true, Place: "https://hull.example/t/1", Tag: `"2"`},
				{Object: oak.ID, URI: oak.URI, Begun: true},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("to be read are %+v, want %+v", got, want)
			}
			if err != nil {
				return err
			}
			missing, err := tx.Missing([]string{"https://hull.example/x", ash.URI, "https://hull.example/y"})
			if !reflect.DeepEqual(missing, []string{"https://hull.example/x", "https://hull.example/y"}) {
				t.Errorf("missing are %q", missing)
			}
			return err
		})
	})
}
