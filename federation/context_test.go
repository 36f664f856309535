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

// Whoever answers in a conversation elsewhere names the list that it is in, as what
// they answer does.
func TestAnswersNameTheConversationTheyAreIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		context := s.trees.uri + "/topic/17"
		topic := s.says(s.trees, s.bob, s.bob.page("ash", s.trees.uri, "Ash").with(obj{"context": context}))
		silent := s.says(s.trees, s.bob, s.bob.note("1", s.trees.uri, topic.URI, "Yes"))
		aside := s.bob.uri + "/note/2/context" // Lemmy gives each its own
		own := s.says(s.trees, s.bob, s.bob.note("2", s.trees.uri, topic.URI, "No").with(obj{"context": aside}))
		old := s.says(s.trees, s.bob, s.bob.page("elm", s.trees.uri, "Elm").with(obj{"context": "tag:third.example,2027:objectId=1"}))
		first := s.leeds.answer(s.ann, topic, "<p>Indeed")
		ours := s.leeds.post(s.ann, &s.seeds.Actor, "Oak", "<p>Where?")
		if got := s.bob.say(s.leeds, s.bob.act("Create", "3", s.bob.note("3", s.seeds.URI, ours.URI, "Here").with(obj{"context": aside}))); got != http.StatusAccepted {
			t.Fatalf("answered %d", got)
		}
		synctest.Wait()
		for _, c := range []struct {
			what string
			o    *copse.Object
			want string
		}{
			{"an answer to a topic", first, context},
			{"an answer to an answer from here", s.leeds.answer(s.ann, first, "<p>And so"), context},
			{"an answer to one that names no list", s.leeds.answer(s.ann, silent, "<p>Why?"), context},
			{"an answer to one with a list of its own", s.leeds.answer(s.ann, own, "<p>Why?"), aside},
			{"an answer where there is no list", s.leeds.answer(s.ann, old, "<p>Why?"), ""},
			{"an answer to one that has another list than we", s.leeds.answer(s.ann, s.leeds.object(s.bob.uri+"/note/3"), "<p>Why?"), ours.URI + "/context"},
		} {
			path := strings.TrimPrefix(c.o.URI, s.leeds.hub.Base)
			made, err := ap.Parse(s.leeds.get(path).Body.Bytes())
			if err != nil || made.Thread != c.want {
				t.Errorf("%s is in %q (%v), want %q", c.what, made.Thread, err, c.want)
			}
		}
	})
}
