package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

func TestIDsAscendAndAreMintedOnce(t *testing.T) {
	var all [8][]copse.ID
	var minting sync.WaitGroup
	for i := range all {
		minting.Go(func() {
			for range 5000 {
				all[i] = append(all[i], store.NewID())
			}
		})
	}
	minting.Wait()
	seen := make(map[copse.ID]bool)
	for _, ids := range all {
		if !slices.IsSorted(ids) {
			t.Error("a later id was smaller")
		}
		for _, id := range ids {
			if seen[id] {
				t.Fatalf("%d was minted twice", id)
			}
			seen[id] = true
			if id >= 1<<53 {
				t.Fatalf("%d is more than JavaScript can hold", id)
			}
		}
	}
}

func TestEveryServerPutsAPostInTheSamePlace(t *testing.T) {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	const uri = "https://york.example/post/1"
	at := now.Add(-time.Hour)
	here, there := store.IDFor(uri, at, now), store.IDFor(uri, at.In(time.FixedZone("", 3600)), now.Add(time.Minute))
	if here != there {
		t.Errorf("two servers number it %d and %d", here, there)
	}
	if later := store.IDFor("https://york.example/post/2", at.Add(time.Millisecond), now); later <= here {
		t.Errorf("what came a millisecond later has %d, not more than %d", later, here)
	}
	if other := store.IDFor("https://york.example/post/2", at, now); other == here {
		t.Error("two posts of one millisecond have one id")
	}
	for _, wrong := range []time.Time{{}, now.Add(time.Hour), now.AddDate(100, 0, 0), time.Unix(-1, 0), time.Unix(0, 0)} {
		if got, want := store.IDFor(uri, wrong, now), store.IDFor(uri, now, now); got != want {
			t.Errorf("dated %v it has %d, want that of now, %d", wrong, got, want)
		}
	}
}

// Two processes, or one whose clock was set back, mint an id that is there.
func TestTakenIDsAreSteppedOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var person copse.Actor
		var community copse.Community
		update(t, db, func(tx *store.Tx) error {
			person = copse.Actor{ID: 1000, Type: copse.Person, URI: "https://york.example/u/ann", Name: "ann", Local: true}
			if err := tx.AddActor(&person); err != nil {
				return err
			}
			community.Actor = copse.Actor{ID: 1000, Type: copse.Group, URI: "https://york.example/c/trees", Name: "trees", Local: true}
			return tx.AddCommunity(&community)
		})
		if community.ID != 1001 {
			t.Errorf("the second actor of id 1000 has %d, want 1001", community.ID)
		}
		update(t, db, func(tx *store.Tx) error {
			var got []copse.ID
			for i := range 3 {
				o := &copse.Object{
					ID: 2000, URI: fmt.Sprint("https://york.example/post/", i), Kind: "topic",
					Community: community.ID, Author: person.ID, Published: tx.Now,
				}
				if err := tx.AddObject(o); err != nil {
					return err
				}
				act := &copse.Activity{ID: 3000, URI: o.URI + "/create", Type: "Create", Actor: &person, Object: o}
				if fresh, err := tx.RecordActivity(act); err != nil || !fresh {
					return fmt.Errorf("RecordActivity = %v, %v", fresh, err)
				}
				got = append(got, o.ID, act.ID)
			}
			if want := []copse.ID{2000, 3000, 2001, 3001, 2002, 3002}; !slices.Equal(got, want) {
				t.Errorf("objects and activities got %d, want %d", got, want)
			}
			return nil
		})

		defer store.MintAfter(store.NewID())
		ahead := copse.ID(time.Now().Add(time.Hour).UnixMilli() * 2048)
		update(t, db, func(tx *store.Tx) error {
			for i := range 3 {
				store.MintAfter(ahead)
				if _, err := tx.PeerAt(fmt.Sprint(i, ".example")); err != nil {
					return err
				}
				store.MintAfter(ahead)
				if fresh, err := tx.Park("a", &store.Received{Body: []byte{byte(i)}}); err != nil || !fresh {
					return fmt.Errorf("Park = %v, %v", fresh, err)
				}
				store.MintAfter(ahead)
				if err := tx.QueueMail(&store.Mail{To: "ann@york.example"}); err != nil {
					return err
				}
			}
			received, err := tx.ClaimReceived(10, time.Minute)
			if err != nil {
				return err
			}
			mails, err := tx.ClaimMails(10, time.Minute)
			if err != nil {
				return err
			}
			if len(received) != 3 || len(mails) != 3 {
				t.Errorf("%d parked and %d mails are there, want 3 each", len(received), len(mails))
			}
			return nil
		})
	})
}
