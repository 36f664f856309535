package ap

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// Each testdata/*.json is shaped as one peer's software sends it, and beside it lies
// what Parse understood of it, written out again.
func TestPeersHabitsAreUnderstood(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata/*.json (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			o, err := Parse(read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			forgetRaw(o)
			compact, err := Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, compact, "", "\t"); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			golden(t, strings.TrimSuffix(file, ".json")+".golden", got.Bytes())
		})
	}
}

func TestFieldsOfPeersDocuments(t *testing.T) {
	for _, tt := range []struct {
		file      string
		got       func(*Object) any
		want      any
		statement string
	}{
		{"lemmy-announce-create-page.json", func(o *Object) any { return o.Object.Object.Name }, "Who mows the verges?", "inner object"},
		{"lemmy-announce-create-page.json", func(o *Object) any { return o.Object.Object.Source.Content }, "We stopped in *May*.", "source"},
		{"lemmy-group.json", func(o *Object) any { return *o.ManuallyApprovesFollowers }, true, "private"},
		{"lemmy-group.json", func(o *Object) any { return len(o.Language) }, 2, "languages"},
		{"mastodon-create-note.json", func(o *Object) any { return strings.Contains(o.Object.Content, "🌼") }, true, "surrogate pair"},
		{"mastodon-create-note.json", func(o *Object) any { return o.Object.Tag[2].Icon.URL }, "https://files.micro.example/daisy.png", "emoji"},
		{"mastodon-create-note.json", func(o *Object) any { return o.Object.Replies.URI() }, "https://micro.example/users/bea/statuses/1093/replies", "replies"},
		{"mastodon-create-note.json", func(o *Object) any { return o.Signature != nil }, true, "signature"},
		{"mastodon-flag.json", func(o *Object) any { return o.Object == nil && len(o.Objects) == 2 && o.Objects[1].IsRef() }, true, "several objects"},
		{"mastodon-question.json", func(o *Object) any { return *o.OneOf[1].Replies.TotalItems }, 7, "votes"},
		{"mastodon-question.json", func(o *Object) any { return o.To[0] }, Public, "as:Public in a bare string"},
		{"piefed-accept-follow.json", func(o *Object) any { return o.Object.Object.IsRef() && o.Object.To == nil }, true, "null"},
		{"piefed-announce-votes.json", func(o *Object) any { return o.Objects[1].Object.ID }, "https://copse.example/post/9", "batch"},
		{"mbin-delete-by-moderator.json", func(o *Object) any { return o.Summary }, " ", "summary kept as it is"},
		{"mbin-page.json", func(o *Object) any { return o.Source.ID }, "https://news.example/potholes", "source as a URL"},
		{"mbin-page.json", func(o *Object) any { return len(o.Attachment) }, 1, "attachment that is no list"},
		{"peertube-video.json", func(o *Object) any { return o.URL }, "https://tube.example/w/e794", "page among files"},
		{"peertube-video.json", func(o *Object) any { return o.Icon.URL }, "https://tube.example/thumbnails/1.jpg", "icons"},
		{"peertube-video.json", func(o *Object) any { return o.AttributedTo[1].Type }, "Group", "channel"},
		{"nodebb-announce-create.json", func(o *Object) any { return o.Object.Object.Image.URL }, "https://board.example/assets/1.png", "image as a URL"},
		{"nodebb-announce-create.json", func(o *Object) any { return o.Object.Object.Updated.IsZero() }, true, "updated: null"},
		{"discourse-person.json", func(o *Object) any { return o.Endpoints.SharedInbox }, "https://talk.example/ap/users/inbox", "sharedInbox at the top"},
		{"discourse-person.json", func(o *Object) any { return strings.HasPrefix(o.PublicKey[0].PEM, "-----BEGIN RSA") }, true, "list of keys, PKCS #1"},
		{"discourse-announce-collection.json", func(o *Object) any { return *o.Object.TotalItems }, 2, "2.0 items"},
		{"ghost-article.json", func(o *Object) any { return o.Image.URL }, "https://blog.example/content/images/trees.jpg", "escaped slashes"},
		{"wordpress-group.json", func(o *Object) any { return o.Attachment[1].Rel }, "me", "rel as a list"},
		{"mobilizon-event.json", func(o *Object) any { return o.Published.Format(time.RFC3339) }, "2026-03-17T13:35:18Z", "no offset"},
		{"mobilizon-event.json", func(o *Object) any { return o.Object.EndTime.Format(time.RFC3339Nano) }, "2026-04-04T12:00:00.5+01:00", "offset kept"},
		{"mobilizon-event.json", func(o *Object) any { return bytes.Contains(o.Object.Location.Raw, []byte(`"addressLocality": "York"`)) }, true, "address is raw"},
		{"fedify-key.json", func(o *Object) any { return o.PublicKey[0] }, Key{ID: "https://app.example/users/jo#main-key", Owner: "https://app.example/users/jo", PEM: "-----BEGIN PUBLIC KEY-----\nMFww\n-----END PUBLIC KEY-----\n"}, "document that is a key"},
		{"mitra-person.json", func(o *Object) any { return o.AssertionMethod[1].Multibase }, "z6Mk", "Multikey"},
	} {
		o, err := Parse(read(t, filepath.Join("testdata", tt.file)))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if got := tt.got(o); got != tt.want {
			t.Errorf("%s, %s: got %v, want %v", tt.file, tt.statement, got, tt.want)
		}
	}
}

func TestEveryMemberMayBeOfAnyShape(t *testing.T) {
	shapes := []string{
		`null`, `true`, `5`, `-1.5`, `""`, `"x"`, `[]`, `{}`, `[null]`, `[5]`, `["x"]`, `["x","y"]`, `[[["x"]]]`,
		`{"id":"x"}`, `{"id":5}`, `[{"id":"x"},5,null,"y"]`, `{"x":{"y":[1]}}`, `"\u0041"`, `"2026-01-01T00:00:00Z"`,
	}
	strict := map[string]bool{"id": true, "type": true, "actor": true, "object": true}
	for name := range memberByName {
		for _, shape := range shapes {
			doc := fmt.Sprintf(`{"z":[{}],%q: %s ,"cc":"after"}`, name, shape)
			if name == "cc" {
				doc = fmt.Sprintf(`{%q:%s}`, name, shape)
			}
			o, err := Parse([]byte(doc))
			switch {
			case err != nil && !strict[name]:
				t.Errorf("%s: %v", doc, err)
			case err == nil && name != "cc" && !slices.Equal(o.CC, Strings{"after"}):
				t.Errorf("%s: lost the thread, cc is %q", doc, o.CC)
			}
		}
	}
}

func TestWhoDidWhatToWhatIsNeverGuessed(t *testing.T) {
	for _, doc := range []string{
		`{"id":5}`, `{"id":["a"]}`, `{"id":{"id":"a"}}`, `{"type":5}`, `{"type":["Create"]}`, `{"type":{}}`,
		`{"actor":5}`, `{"actor":true}`, `{"actor":{"id":5}}`, `{"actor":["a",5]}`, `{"actor":["a",null]}`, `{"actor":[{"id":[]}]}`,
		`{"object":5}`, `{"object":["a",5]}`, `{"object":{"id":5}}`, `{"object":{"actor":5}}`,
		`{"object":{"object":{"type":[]}}}`, `{"object":["a",{"object":{"id":5}}]}`,
	} {
		if o, err := Parse([]byte(doc)); err == nil {
			t.Errorf("%s: read as %+v", doc, *o)
		}
	}
	_, err := Parse([]byte(`{"object":{"object":{"id":5}}}`))
	if got, want := fmt.Sprint(err), "object: object: id: not a string"; got != want {
		t.Errorf("the error is %q, want %q", got, want)
	}
}

func TestATagThatMakesNoSenseIsLeftOut(t *testing.T) {
	o, err := Parse([]byte(`{"tag":[{"id":5,"type":"Mention"},{"type":"Hashtag","name":"#a"},7,null],"target":{"id":5},"icon":[{"id":5},{"url":"u"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Tag) != 1 || o.Tag[0].Name != "#a" {
		t.Errorf("tags are %+v, want the one that can be read", o.Tag)
	}
	if o.Target != nil {
		t.Errorf("target is %+v, want none", o.Target)
	}
	if o.Icon == nil || o.Icon.URL != "u" {
		t.Errorf("icon is %+v, want the one that can be read", o.Icon)
	}
}

func TestOnlyASingleAuthorIsAnAuthor(t *testing.T) {
	for _, tt := range []struct {
		attributedTo, id string
		ok               bool
	}{
		{`"a"`, "a", true},
		{`{"id":"a"}`, "a", true},
		{`{"id":"a","type":"Person"}`, "a", true},
		{`["a"]`, "a", true},
		{`[{"type":"Person","id":"a"}]`, "a", true},
		{`["a","b"]`, "", false},
		{`["a","a"]`, "", false},
		{`["a",5]`, "", false},
		{`["a",null]`, "", false},
		{`["a",{"id":5}]`, "", false},
		{`[["a"]]`, "", false},
		{`{"type":"Person"}`, "", false},
		{`""`, "", false},
		{`[]`, "", false},
		{`null`, "", false},
		{`5`, "", false},
	} {
		o, err := Parse([]byte(`{"attributedTo":` + tt.attributedTo + `}`))
		if err != nil {
			t.Errorf("%s: %v", tt.attributedTo, err)
			continue
		}
		if id, ok := o.AttributedTo.One(); id != tt.id || ok != tt.ok {
			t.Errorf("%s: One() = %q, %v, want %q, %v", tt.attributedTo, id, ok, tt.id, tt.ok)
		}
	}
}

func TestTimesAreReadHoweverTheyAreWritten(t *testing.T) {
	for _, tt := range []struct{ sent, want string }{
		{"2026-10-06T09:00:00Z", "2026-10-06T09:00:00Z"},
		{"2026-10-06T09:00:00", "2026-10-06T09:00:00Z"},
		{"2026-10-06T09:00:00.1Z", "2026-10-06T09:00:00.1Z"},
		{"2026-10-06T09:00:00.123456789Z", "2026-10-06T09:00:00.123456789Z"},
		{"2026-10-06T09:00:00.123456", "2026-10-06T09:00:00.123456Z"},
		{"2026-10-06T09:00:00.668181+00:00", "2026-10-06T09:00:00.668181Z"},
		{"2026-10-06T10:00:00+01:00", "2026-10-06T09:00:00Z"},
		{"2026-10-06T10:00:00.5+0100", "2026-10-06T09:00:00.5Z"},
		{"2026-10-06", "2026-10-06T00:00:00Z"},
		{"yesterday", "0001-01-01T00:00:00Z"},
		{"2026-13-06T09:00:00Z", "0001-01-01T00:00:00Z"},
	} {
		o, err := Parse([]byte(`{"published":"` + tt.sent + `"}`))
		if err != nil {
			t.Errorf("%s: %v", tt.sent, err)
			continue
		}
		if got := o.Published.UTC().Format(time.RFC3339Nano); got != tt.want {
			t.Errorf("%s was read as %s, want %s", tt.sent, got, tt.want)
		}
	}
}

func TestRawIsWhatWasReceived(t *testing.T) {
	inner := "{ \"type\":\"Create\",\n\t\"id\" : \"https:\\/\\/a.example/1\", \"unknown\": [1, {\"x\":\"\\\"}\"}], \"proof\":{\"b\":1,\"a\":2} }"
	o, err := Parse([]byte(` {"type":"Announce","object":` + inner + `,"target":{"id":"t"},"origin":"o"} `))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(o.Object.Raw); got != inner {
		t.Errorf("raw is\n%s\nwant\n%s", got, inner)
	}
	if got, want := string(o.Object.Proof), `{"b":1,"a":2}`; got != want {
		t.Errorf("the proof is %s, want %s", got, want)
	}
	if !o.Target.IsRef() || !o.Origin.IsRef() || o.Object.IsRef() || o.IsRef() {
		t.Error("an id, alone or in an object, is a reference, and no other object is")
	}
}

func TestParseBoundsTheMemoryADocumentTakes(t *testing.T) {
	doc := `{"tag":[{}` + strings.Repeat(",{}", maxObjects) + `],"cc":"x"}`
	for _, doc := range []string{doc, `{"object":` + doc + `}`, `{"items":` + "[" + doc + "," + doc + `]}`} {
		if _, err := Parse([]byte(doc)); err == nil {
			t.Errorf("%.20s…: more than %d objects were accepted", doc, maxObjects)
		}
	}
	if _, err := Parse([]byte(`{"items":["x"` + strings.Repeat(`,"x"`, maxObjects-2) + `]}`)); err != nil {
		t.Errorf("%d objects were refused: %v", maxObjects, err)
	}
}

// a member is read here as encoding/json reads it into a map, or the document
// is refused.
func TestReadsAsEncodingJSONDoesOrRefuses(t *testing.T) {
	rnd := rand.New(rand.NewPCG(26, 26))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	var document func(depth int) string
	document = func(depth int) string {
		var b strings.Builder
		for i := range rnd.IntN(6) {
			if i > 0 {
				b.WriteString(pick(",", " ,", ",\n"))
			}
			b.WriteString(pick(`"id"`, `"type"`, `"actor"`, `"object"`, `"\u0069d"`, `"Id"`, `"typ\u0065"`, `"Actor"`, `"ob\u006aect"`,
				`"OBJECT"`, `"@context"`, `"name"`, `"actor "`, `"ａctor"`, `"obJect"`, `"tag"`, `"attributedTo"`) + pick(":", " : "))
			if depth < 3 && rnd.IntN(3) == 0 {
				b.WriteString(document(depth + 1))
				continue
			}
			b.WriteString(pick(`"a"`, `"b\/c"`, `"\u0041"`, `"\b\f\n\r\t\"\\\uFfFd\ue000é"`, `"A\ud83c\udf33"`, `null`, `5`, `["a"]`, `["a","b"]`, `[{"id":"c"}]`,
				`{"id":"d"}`, `{"id":"d","Id":"e"}`, `{"id":5}`, `[]`, `{}`, `"\ud800"`, `["a",null]`, `{"href":"x"}`, `-0`, `[[]]`))
		}
		return "{" + b.String() + "}" + pick("", "", "", "", " ", "{}", "x")
	}
	accepted := 0
	for range 200_000 {
		doc := []byte(document(0))
		o, err := Parse(doc)
		if err != nil {
			continue
		}
		accepted++
		agrees(t, doc, o)
	}
	if accepted < 10_000 {
		t.Errorf("only %d documents were accepted: the comparison says little", accepted)
	}
}

// agrees reports it if o, as read from doc, says something else about who did what
// to what than a map does.
func agrees(t *testing.T, doc []byte, o *Object) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		t.Errorf("%s: accepted, and encoding/json refuses it: %v", doc, err)
		return
	}
	for name, got := range map[string]string{"id": o.ID, "type": o.Type} {
		want, isText := m[name].(string)
		if got != want || m[name] != nil && !isText {
			t.Errorf("%s: %s was read as %q, want %v", doc, name, got, m[name])
		}
	}
	for name, got := range map[string]string{"name": o.Name, "content": o.Content} {
		if want, isText := m[name].(string); isText && got != want {
			t.Errorf("%s: %s was read as %q, want %q", doc, name, got, want)
		}
	}
	if got, want := idsOf(o.Actor), idsIn(m["actor"]); !slices.Equal(got, want) {
		t.Errorf("%s: actor was read as %q, want %q", doc, got, want)
	}
	objects := o.Objects
	if o.Object != nil {
		objects = []Object{*o.Object}
	}
	if got, want := idsOf(objects), idsIn(m["object"]); !slices.Equal(got, want) {
		t.Errorf("%s: object was read as %q, want %q", doc, got, want)
	}
	for i := range objects {
		if raw := objects[i].Raw; raw != nil {
			agrees(t, raw, &objects[i])
		}
	}
}

func idsOf(list []Object) (ids []string) {
	for _, o := range list {
		ids = append(ids, o.ID)
	}
	return ids
}

func idsIn(v any) (ids []string) {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case map[string]any:
		id, ok := v["id"].(string)
		if !ok && v["id"] != nil {
			return []string{"wrong"}
		}
		return []string{id}
	case []any:
		for _, e := range v {
			if list, ok := e.([]any); ok || e == nil {
				return []string{fmt.Sprint("wrong", list)}
			}
			ids = append(ids, idsIn(e)...)
		}
		return ids
	}
	return []string{"wrong"}
}

// What becomes of every document of peers that we have is written down, so that a
// change to the rules shows whom it would shut out.
func TestOutcomeForEveryFixtureIsKnown(t *testing.T) {
	root := fixtures(t)
	if root == "" {
		return
	}
	var outcomes strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		doc := read(t, path)
		o, err := Parse(doc)
		if err != nil {
			fmt.Fprintf(&outcomes, "%s\trefused: %v\n", filepath.ToSlash(name), err)
			return nil
		}
		fmt.Fprintf(&outcomes, "%s\tok\n", filepath.ToSlash(name))
		agrees(t, doc, o)
		survives(t, name, o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/fixtures.golden", []byte(outcomes.String()))
}

// fixtures returns where the samples collected from peers are, or "" if they are
// not there: not all of their licences let them be kept with the source.
func fixtures(t *testing.T) string {
	root := filepath.Join("..", "..", "..", "shared", "fixtures")
	if _, err := os.Stat(root); err != nil {
		t.Logf("no samples from peers: %v", err)
		return ""
	}
	return root
}

// survives reports it if the essentials of o are lost when it is written again, with
// or without the raw text of what is in it.
func survives(t *testing.T, name string, o *Object) {
	t.Helper()
	for range 2 {
		b, err := Marshal(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		again, err := Parse(b)
		if err != nil {
			t.Errorf("%s: cannot read what was written: %v\n%s", name, err, b)
			return
		}
		if got, want := essentials(again), essentials(o); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: became\n%v\nwant\n%v", name, got, want)
		}
		forgetRaw(o)
	}
}

func essentials(o *Object) []any {
	e := []any{o.ID, o.Type, o.To, o.CC, o.Audience, o.Content, o.Name, o.InReplyTo, o.Published.UnixNano(), o.TotalItems, idsOf(o.Actor), idsOf(o.AttributedTo)}
	if o.Object != nil {
		e = append(e, essentials(o.Object))
	}
	for _, list := range [][]Object{o.Objects, o.OrderedItems, o.Tag} {
		for i := range list {
			e = append(e, essentials(&list[i]))
		}
	}
	return e
}

// forgetRaw clears Raw in o and all that is in it, so that fields are written.
func forgetRaw(o *Object) {
	o.Raw = nil
	for _, m := range members {
		var in []Object
		switch at := m.at(o).(type) {
		case **Object:
			if *at != nil {
				forgetRaw(*at)
			}
			if at == &o.Object {
				in = o.Objects
			}
		case *picture:
			if *at != nil {
				forgetRaw(*at)
			}
		case *[]Object:
			in = *at
		case *Refs:
			in = *at
		}
		for i := range in {
			forgetRaw(&in[i])
		}
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := read(t, file)
	if bytes.Equal(got, want) {
		return
	}
	lines := make(map[string]bool)
	for line := range strings.Lines(string(want)) {
		lines[line] = true
	}
	for line := range strings.Lines(string(got)) {
		if !lines[line] {
			t.Errorf("%s lacks: %s", file, line)
		}
		delete(lines, line)
	}
	t.Errorf("%s has, and should not: %q", file, slices.Sorted(maps.Keys(lines)))
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(read(f, file))
	}
	f.Add([]byte(`{"actor":"a","\u0061ctor":["b",null,{"id":5}],"to":"Public","url":[{"href":"x"}],"closed":-0.0}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		o, err := Parse(doc)
		if err != nil {
			return
		}
		agrees(t, doc, o)
		again, err := Parse(o.Raw)
		if err != nil || !reflect.DeepEqual(o, again) {
			t.Errorf("read again: %v\n%+v\nwant\n%+v", err, again, o)
		}
		survives(t, "fuzz", o)
	})
}

// An announced post of about 4 KB, as it comes in all day.
func announcement(t testing.TB) []byte {
	doc := read(t, "testdata/lemmy-announce-create-page.json")
	text := strings.Repeat(`<p>It is \"quite\" a long text, as posts go.</p>\n`, 40)
	return bytes.Replace(doc, []byte(`<p>We stopped in <em>May</em>.</p>\n`), []byte(text), 1)
}

func BenchmarkParse(b *testing.B) {
	doc := announcement(b)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	doc := announcement(b)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCutTakesOneMemberAway(t *testing.T) {
	for _, c := range []struct{ b, rest, value string }{
		{`{"a":1,"proof":{"x":[1,"}"]},"b":2}`, `{"a":1,"b":2}`, `{"x":[1,"}"]}`},
		{`{"proof":1}`, `{}`, `1`},
		{` { "proof" : "\"," , "b" : 2 } `, ` {"b" : 2 } `, `"\","`},
		{`{"a":{"proof":1}, "pr\u006fof" :2 }`, `{"a":{"proof":1} }`, `2`},
		{`{"a":{"proof":1}}`, `{"a":{"proof":1}}`, ``},
		{`{}`, `{}`, ``},
	} {
		rest, value := Cut([]byte(c.b), "proof")
		if string(rest) != c.rest || string(value) != c.value {
			t.Errorf("Cut(%s) = %s and %s, want %s and %s", c.b, rest, value, c.rest, c.value)
		}
		if err := Check(rest); err != nil {
			t.Errorf("%s: %v", rest, err)
		}
	}
}
