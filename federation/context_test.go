package federation_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/federation/ap"
)

// A conversation is listed in one place, which every reply in it names, belongs to
// its community, and is in the order in which things were said.
func TestAConversationIsOneCollection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "wigan.example")
		harlow, wigan := n.towns["harlow.example"], n.towns["wigan.example"]
		joan, rosa := harlow.person("joan"), wigan.person("rosa")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		wigan.join(rosa, wigan.find(trees.URI))
		topic := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		n.settle(t)
		said := []string{topic.URI}
		for _, under := range []string{topic.URI, topic.URI, "first"} {
			time.Sleep(time.Second)
			if under == "first" {
				under = said[1]
			}
			said = append(said, wigan.answer(rosa, wigan.object(under), "<p>Yes").URI)
			n.settle(t)
		}

		path := strings.TrimPrefix(topic.URI, "https://harlow.example")
		doc := func(path string) *ap.Object {
			t.Helper()
			got := harlow.get(path)
			w, err := ap.Parse(got.Body.Bytes())
			if got.Code != http.StatusOK || err != nil {
				t.Fatalf("%s is answered %d, %v", path, got.Code, err)
			}
			return w
		}
		context := doc(path).Thread
		list := doc(strings.TrimPrefix(context, "https://harlow.example"))
		var listed []string
		for _, item := range list.OrderedItems {
			listed = append(listed, item.ID)
		}
		if !slices.Equal(listed, said) {
			t.Errorf("listed are\n%q, want what was said in its order\n%q", listed, said)
		}
		if owner, _ := list.AttributedTo.One(); list.Type != "OrderedCollection" || owner != trees.URI || *list.TotalItems != 4 {
			t.Errorf("the conversation is a %s of %s with %d items", list.Type, owner, *list.TotalItems)
		}
		own := harlow.answer(joan, harlow.object(said[2]), "<p>Thank you")
		if got := doc(strings.TrimPrefix(own.URI, "https://harlow.example")).Thread; got != context {
			t.Errorf("a reply is in %q, want %q", got, context)
		}
	})
}
