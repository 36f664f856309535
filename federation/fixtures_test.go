package federation_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"copse/federation/ap"
)

// What servers of all sorts really send does here what fixtures.golden says. Each
// document is delivered by whoever it names, to a community of ours in the place of
// the one it is for, unless that is who sends it: then Ann is in it. What it refers
// to is made up first, since the documents were not collected in conversations.
// They are not part of this tree; where they are missing,
// TestWhatOtherSoftwareSendsIsUnderstood proves the same with our own.
func TestWhatServersReallySendIsUnderstood(t *testing.T) {
	const samples = "../../shared/fixtures"
	if _, err := os.Stat(samples); err != nil {
		t.Skip("there are no documents of other software at ", samples)
	}
	var files []string
	err := filepath.WalkDir(samples, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".json") || strings.Contains(path, "/captured/") && strings.HasSuffix(path, ".txt") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	alarm := &panicAlarm{Handler: slog.Default().Handler()}
	was := slog.Default()
	slog.SetDefault(slog.New(alarm))
	defer slog.SetDefault(was)

	var everything []found
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range documents(text) {
			f := found{strings.TrimPrefix(filepath.ToSlash(file), samples+"/"), doc}
			if f.sort() != "" {
				everything = append(everything, f)
			}
		}
	}
	made := make(map[string]obj) // so that they may refer to each other
	for _, f := range everything {
		if f.sort() == "object" {
			made[idOf(f.doc["id"])] = f.doc
		}
	}
	var all strings.Builder
	for _, f := range everything {
		fmt.Fprintf(&all, "%s\n", f.file)
		synctest.Test(t, func(t *testing.T) {
			r := newRehearsal(t, false)
			r.more = made
			all.WriteString(r.replay(f))
		})
	}
	golden(t, "fixtures", all.String())
	if alarm.raised() != "" {
		t.Error(alarm.raised())
	}
}

// documents returns what is in a file: one document, or the body of a request.
func documents(text []byte) (all []obj) {
	for len(text) > 0 {
		i := strings.IndexByte(string(text), '{')
		if i < 0 {
			return all
		}
		dec := json.NewDecoder(strings.NewReader(string(text[i:])))
		var doc obj
		if err := dec.Decode(&doc); err != nil {
			return all
		}
		text = text[i+int(dec.InputOffset()):]
		n := 0
		all = append(all, scrub(map[string]any(doc), "", &n).(map[string]any))
	}
	return all
}

// scrub gives ids to what Mbin's own tests have taken them out of, and makes old
// addresses such as are taken.
func scrub(v any, key string, n *int) any {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			v[k] = scrub(v[k], k, n)
		}
	case []any:
		for i := range v {
			v[i] = scrub(v[i], key, n)
		}
	case string:
		switch {
		case v == "SCRUBBED_ID":
			*n++
			return fmt.Sprintf("https://kbin.test/%s/%d", key, *n)
		case v == "SCRUBBED_DATE":
			return "2027-03-01T10:00:00+00:00"
		case key != "name" && key != "content" && strings.HasPrefix(v, "http://"):
			return "https://" + v[len("http://"):]
		}
	}
	return v
}

// found is a document that was found somewhere.
type found struct {
	file string
	doc  obj
}

// sort is what sort of document it is, or "" if it is no activity, nobody and
// nothing that anybody made.
func (f found) sort() string {
	typ, _ := f.doc["type"].(string)
	uri := idOf(f.doc["id"])
	if _, ok := ap.Host(uri); !ok && f.doc["actor"] == nil {
		return ""
	}
	switch {
	case f.doc["actor"] != nil && f.doc["attributedTo"] == nil:
		return "activity"
	case f.doc["inbox"] != nil && f.doc["preferredUsername"] != nil:
		return "actor"
	case f.doc["attributedTo"] != nil && typ != "" && !strings.Contains(typ, "Collection"):
		return "object"
	}
	return ""
}

// replay delivers a document, after what it needs to make sense.
func (r *rehearsal) replay(f found) string {
	doc := f.doc
	switch f.sort() {
	case "actor":
		return r.meet(doc)
	case "object":
		doc = r.creation(doc)
	}
	if doc["type"] == "Announce" {
		group := idOf(doc["actor"])
		r.somebody("Group", group)
		r.join(group)
		inner, _ := doc["object"].(map[string]any)
		r.prepare(inner, group)
		r.authors(r.more[idOf(doc["object"])])
	} else {
		doc = r.redirected(doc)
		r.prepare(doc, "")
	}
	return r.play(sample{Deliver: []obj{doc}})
}

// meet has Leeds look somebody up.
func (r *rehearsal) meet(doc obj) string {
	r.serve(doc)
	a, err := r.leeds.fed.Find(r.t.Context(), idOf(doc["id"]))
	if err != nil {
		return fmt.Sprintf("\tnobody: %v\n", err)
	}
	return fmt.Sprintf("\t%s %s\n", a.Type, a.Handle())
}

// creation is the Create of something made, by its author, or its announcement by
// the community it names.
func (r *rehearsal) creation(made obj) obj {
	r.serve(made)
	r.authors(made)
	author := idOf(made["attributedTo"])
	if list, ok := made["attributedTo"].([]any); ok && len(list) > 0 {
		author = idOf(list[0])
	}
	create := obj{"id": idOf(made["id"]) + "#create", "type": "Create", "actor": author, "to": made["to"], "cc": made["cc"], "object": map[string]any(made)}
	group := communityOf(made)
	if group == "" {
		return create
	}
	r.somebody("Group", group)
	return obj{"id": group + "/announce/1", "type": "Announce", "actor": group, "object": map[string]any(create)}
}

var groupPath = regexp.MustCompile(`/(c|m|category|video-channels|communities|groups?)/[^/]+$`)

// communityOf returns the community that something is for, by the look of its
// address, or "".
func communityOf(doc obj) string {
	for _, member := range []string{"audience", "to", "cc", "target", "object"} {
		list, ok := doc[member].([]any)
		if !ok {
			list = []any{doc[member]}
		}
		for _, v := range list {
			if uri, ok := v.(string); ok && groupPath.MatchString(uri) {
				return uri
			}
		}
	}
	if inner, ok := doc["object"].(map[string]any); ok {
		return communityOf(inner)
	}
	return ""
}

// redirected is an activity with Seeds in the place of the community it is for, or
// else of the first it is addressed to, which is what a community is to a Mastodon.
func (r *rehearsal) redirected(doc obj) obj {
	group := communityOf(doc)
	inner, _ := doc["object"].(map[string]any)
	by := idOf(doc["actor"])
	for _, list := range []any{inner["to"], inner["cc"], doc["to"], doc["cc"]} {
		uris, ok := list.([]any)
		if !ok {
			uris = []any{list}
		}
		for _, v := range uris {
			uri, _ := v.(string)
			if _, ok := ap.Host(uri); ok && group == "" && uri != ap.Public && uri != by && !strings.Contains(uri, "follow") {
				group = uri
			}
		}
	}
	typ, _ := doc["type"].(string)
	if typ == "Create" && group == "" && inner != nil { // a post for everybody
		group = r.seeds.URI
		for _, o := range []map[string]any{doc, inner} {
			o["audience"] = group
		}
	}
	text := string(doc.json())
	switch typ {
	case "Follow":
		group = idOf(doc["object"])
	case "Undo":
		if inner["type"] == "Follow" {
			group = idOf(inner["object"])
		}
	case "Accept", "Reject":
		if inner["type"] != "Follow" {
			break
		}
		r.somebody("Group", by)
		r.leeds.join(r.ann, r.leeds.find(by))
		inner["object"] = by
		text = strings.ReplaceAll(string(doc.json()), `"`+idOf(inner["actor"])+`"`, `"`+r.ann.URI+`"`)
		group = ""
	}
	if group != "" {
		text = strings.ReplaceAll(text, `"`+group+`"`, `"`+r.seeds.URI+`"`)
		text = strings.ReplaceAll(text, `"`+group+`/followers"`, `"`+r.seeds.URI+`/followers"`)
	}
	var to obj
	if err := json.Unmarshal([]byte(text), &to); err != nil {
		r.t.Fatal(err)
	}
	return to
}

// prepare has there be what an activity is about, in a community elsewhere that
// passes it on, or in Seeds.
func (r *rehearsal) prepare(act obj, group string) {
	inner, _ := act["object"].(map[string]any)
	switch act["type"] {
	case "Create":
		if inner == nil {
			return
		}
		r.serve(obj(inner))
		r.authors(obj(inner))
		r.made(idOf(inner["inReplyTo"]), "", "Page", group)
	case "Update":
		if inner["attributedTo"] == nil || inner["inbox"] != nil {
			r.serve(obj(inner))
			r.greet(idOf(act["actor"]), group)
			return
		}
		r.made(idOf(inner["inReplyTo"]), "", "Page", group)
		typ := "Page"
		if inner["inReplyTo"] != nil {
			typ = "Note"
		}
		r.madeAs(idOf(inner["id"]), idOf(inner["attributedTo"]), typ, idOf(inner["inReplyTo"]), group)
		r.serve(obj(inner))
	case "Delete":
		if idOf(act["object"]) == idOf(act["actor"]) {
			r.greet(idOf(act["actor"]), group)
			return
		}
		r.made(idOf(act["object"]), idOf(act["actor"]), "Page", group)
		r.mu.Lock()
		r.gone[idOf(act["object"])] = true
		r.mu.Unlock()
	case "Undo":
		if inner["type"] != nil {
			r.prepare(obj(inner), group)
			if group == "" {
				r.deliver(obj(inner))
			} else {
				r.deliver(obj{"id": group + "/announce/0", "type": "Announce", "actor": group, "object": inner})
			}
		}
	case "Add", "Remove":
		if to, _ := act["target"].(string); strings.HasSuffix(to, "/moderators") {
			r.somebody("Person", idOf(act["object"]))
			return
		}
		r.made(idOf(act["object"]), "", "Page", group)
	case "Like", "Dislike", "EmojiReact", "Flag", "Lock":
		r.made(idOf(act["object"]), "", "Page", group)
	}
}

// greet has Leeds know somebody, who joins Seeds.
func (r *rehearsal) greet(who, group string) {
	if group == "" {
		r.deliver(obj{"id": who + "#follow", "type": "Follow", "actor": who, "object": r.seeds.URI})
	}
}

func (r *rehearsal) made(uri, by, typ, group string) { r.madeAs(uri, by, typ, "", group) }

// madeAs has there be something that somebody made, by default of its own server.
func (r *rehearsal) madeAs(uri, by, typ, to, group string) {
	host, ok := ap.Host(uri)
	if !ok || host == "leeds.example" {
		return
	}
	if by == "" || !ap.SameHost(by, uri) {
		by = "https://" + host + "/u/author"
	}
	r.somebody("Person", by)
	in := group
	if in == "" {
		in = r.seeds.URI
	}
	made := obj{
		"id": uri, "type": typ, "attributedTo": by, "name": "Before", "content": "<p>Before</p>", "published": "2001-01-01T00:00:00Z",
		"to": []string{in, ap.Public}, "cc": []string{}, "audience": in,
	}
	if to != "" {
		made["inReplyTo"] = to
	}
	r.serve(made)
	create := obj{"id": uri + "#before", "type": "Create", "actor": by, "object": map[string]any(made)}
	if group != "" {
		create = obj{"id": group + "/announce/" + strings.NewReplacer("https://", "", "/", "-").Replace(uri), "type": "Announce", "actor": group, "object": map[string]any(create)}
	}
	r.deliver(create)
}
