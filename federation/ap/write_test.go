package ap

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMarshalWritesWhatPeersExpect(t *testing.T) {
	bst := time.FixedZone("BST", 3600)
	at := time.Date(2026, 10, 6, 10, 0, 0, 500_000_000, bst)
	for name, tt := range map[string]struct {
		o    Object
		want string
	}{
		"nothing empty":                 {Object{ID: "i", Type: "Note"}, `"id":"i","type":"Note"`},
		"one author as a string":        {Object{AttributedTo: RefsTo("a")}, `"attributedTo":"a"`},
		"authors as a list":             {Object{AttributedTo: RefsTo("a", "b")}, `"attributedTo":["a","b"]`},
		"one addressee as a list":       {Object{To: Strings{"a"}}, `"to":["a"]`},
		"no addressee, for Lemmy":       {Object{To: Strings{Public}, CC: Strings{}}, `"to":["` + Public + `"],"cc":[]`},
		"one community as a string":     {Object{Audience: Strings{"a"}}, `"audience":"a"`},
		"several as a list":             {Object{Audience: Strings{"a", "b"}}, `"audience":["a","b"]`},
		"times in UTC":                  {Object{Published: at}, `"published":"2026-10-06T09:00:00.5Z"`},
		"an event where it is":          {Object{StartTime: at}, `"startTime":"2026-10-06T10:00:00.5+01:00"`},
		"a reference as a string":       {Object{Target: Ref("t")}, `"target":"t"`},
		"several objects":               {Object{Objects: []Object{{ID: "a"}, {ID: "b"}}}, `"object":["a","b"]`},
		"an object in an object":        {Object{Object: &Object{ID: "a", Type: "Note"}}, `"object":{"id":"a","type":"Note"}`},
		"false that was said":           {Object{Sensitive: new(false), Stickied: new(true)}, `"sensitive":false,"stickied":true`},
		"no items":                      {Object{TotalItems: new(0), Items: []Object{}}, `"totalItems":0,"items":[]`},
		"one tag as a list":             {Object{Tag: []Object{{Type: "Mention", Href: "h"}}}, `"tag":[{"type":"Mention","href":"h"}]`},
		"source":                        {Object{Source: &Object{Content: "*a*", MediaType: "text/markdown"}}, `"source":{"content":"*a*","mediaType":"text/markdown"}`},
		"endpoints":                     {Object{Endpoints: Endpoints{SharedInbox: "s"}}, `"endpoints":{"sharedInbox":"s"}`},
		"one key as an object":          {Object{PublicKey: []Key{{ID: "k", Owner: "o", PEM: "p\n"}}}, `"publicKey":{"id":"k","owner":"o","publicKeyPem":"p\n"}`},
		"Multikeys as a list":           {Object{AssertionMethod: []Key{{ID: "k", Owner: "o", Multibase: "z"}}}, `"assertionMethod":[{"id":"k","type":"Multikey","controller":"o","publicKeyMultibase":"z"}]`},
		"what an actor's program does":  {Object{Generator: &Object{Type: "Application", Implements: []Object{{Href: "h", Name: "n"}}}}, `"generator":{"type":"Application","implements":[{"name":"n","href":"h"}]}`},
		"an actor's languages":          {Object{PreferredUsername: "p", Language: []Language{{"en", "English"}}}, `"preferredUsername":"p","language":[{"identifier":"en","name":"English"}]`},
		"a post's language":             {Object{Language: []Language{{"en", "English"}}}, `"language":{"identifier":"en","name":"English"}`},
		"text by language, in order":    {Object{ContentMap: map[string]string{"en": "a", "cy": "b"}}, `"contentMap":{"cy":"b","en":"a"}`},
		"any text":                      {Object{Name: "<\"\\/\n\t\u2028é🌳\x7f\xff>"}, "\"name\":\"<\\\"\\\\/\\n\\u0009\u2028é🌳\x7f\uFFFD>\""},
		"our own members, prefixed":     {Object{Question: true, Answer: "a", MemberCount: 2, CouncilCount: 1, JobTitle: "j", Join: "open", Reason: "r"}, `"copse:question":true,"copse:answer":"a","copse:memberCount":2,"copse:councilCount":1,"copse:jobTitle":"j","copse:join":"open","copse:reason":"r"`},
		"members of one kind, in order": {Object{Extra: map[string]any{"feeAmount": 0, "buyTicketsLink": nil}}, `"buyTicketsLink":null,"feeAmount":0`},
	} {
		b, err := Marshal(&tt.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		context := ActivityContext
		if tt.o.AssertionMethod != nil {
			context = ProofContext
		}
		if got, want := string(b), `{"@context":`+context+`,`+tt.want+`}`; got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestMarshalKeepsContextOfItsOwn(t *testing.T) {
	b, err := Marshal(&Object{Context: json.RawMessage(`"x"`), ID: "i"})
	if got, want := string(b), `{"@context":"x","id":"i"}`; err != nil || got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

func TestAnnounceCarriesTheActivityByteForByte(t *testing.T) {
	inner := `{ "object" : {"content":"<p>\u003cb\u003e &amp; \/</p>", "z":1, "a":2 }, "@context":"x","type":"Create" }`
	o, err := Parse([]byte(inner))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Marshal(&Object{ID: "https://c.example/a/1", Type: "Announce", Object: o})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"object":`+inner) {
		t.Errorf("the activity was changed: %s", b)
	}
}

func TestMarshalRefusesWhatPeersWould(t *testing.T) {
	for name, o := range map[string]Object{
		"a member twice":         {ID: "i", Extra: map[string]any{"id": "j"}},
		"a member in other case": {ID: "i", Extra: map[string]any{"ID": "j"}},
		"a value that is none":   {Extra: map[string]any{"x": math.Inf(1)}},
		"NUL":                    {Name: "a\x00"},
		"raw text that is none":  {Object: &Object{Raw: json.RawMessage(`{`)}},
		"too long":               {Content: strings.Repeat("x", MaxSize)},
	} {
		if b, err := Marshal(&o); err == nil {
			t.Errorf("%s: written as %.100s", name, b)
		}
	}
}

func TestWhatIsWrittenIsReadTheSame(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		o, err := Parse(read(t, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		survives(t, file, o)
	}
}

// Fedify and Friendica drop what the context does not declare.
func TestEveryMemberWrittenIsDeclared(t *testing.T) {
	var context []any
	for _, text := range []string{ActivityContext, ProofContext} {
		if err := json.Unmarshal([]byte(text), &context); err != nil {
			t.Fatal(err)
		}
	}
	if context[0] != "https://www.w3.org/ns/activitystreams" {
		t.Errorf("the context begins with %v", context[0])
	}
	declared := context[len(context)-1].(map[string]any)
	declared["@context"], declared["publicKey"], declared["signature"] = true, true, true // security/v1
	declared["proof"], declared["assertionMethod"] = true, true                           // data-integrity/v2, multikey/v1

	root := fixtures(t)
	if root == "" {
		return
	}
	var streams struct {
		Context map[string]any `json:"@context"`
	}
	if err := json.Unmarshal(read(t, filepath.Join(root, "jsonld-contexts", "from-fedify", "activitystreams.json")), &streams); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		_, here := declared[m.name]
		_, there := streams.Context[m.name]
		if !here && !there && !strings.HasPrefix(m.name, "copse:") {
			t.Errorf("%s is declared nowhere", m.name)
		}
	}
}
