package ap

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// maxObjects is how many objects and references to them a document may hold. An
// Object is 1.4 KB here and can be 2 bytes there, so without a limit a document of
// a megabyte could take half a gigabyte.
const maxObjects = 4096

// Parse checks b and reads it. It fails if Check does, if there are more than
// 4,096 objects in it, or if the id, type, actor or object of it (or of its object,
// and so on) is there but is nothing of that sort. A tag or the like with such a
// fault is left out, and any other member that cannot be read is as good as
// absent. What Parse returns refers to b.
func Parse(b []byte) (*Object, error) {
	if err := Check(b); err != nil {
		return nil, err
	}
	r := reader{b: b, left: maxObjects}
	o := new(Object)
	err := r.object(o)
	switch {
	case r.left < 0:
		return nil, fmt.Errorf("a document may hold at most %d objects", maxObjects)
	case err != nil:
		return nil, err
	}
	o.Raw = bytes.TrimSpace(b) // also if it says no more than {"id": …}
	return o, nil
}

// Why a member could not be read. Only the first two ever reach anybody.
var (
	errNotText    = errors.New("not a string")
	errNotObject  = errors.New("not an id or an object")
	errUnreadable = errors.New("unreadable")
)

// object reads an object into o, or a string as its id. If it returns an error it
// has read on to the end all the same.
func (r *reader) object(o *Object) (err error) {
	r.left--
	switch {
	case r.peek() == '"':
		o.ID, err = r.text()
		return err
	case r.peek() != '{' || r.left < 0:
		r.skip()
		return errNotObject
	}
	start, keys := r.i, 0
	r.i++
	for ; r.more('}'); keys++ {
		name := r.key()
		at, known := memberByName[string(name)]
		if !known || r.peek() == 'n' { // null is as good as absent
			r.skip()
			continue
		}
		if wrong := r.value(o, at(o)); wrong != nil && err == nil {
			switch string(name) {
			case "id", "type", "actor", "object":
				err = fmt.Errorf("%s: %w", name, wrong)
			}
		}
	}
	if keys > 1 || o.ID == "" { // {"id": …} is no more than the id
		o.Raw = r.b[start:r.i:r.i]
	}
	if o.PublicKey == nil && (o.self.PEM != "" || o.self.Multibase != "") {
		o.self.ID = o.ID
		o.PublicKey = []Key{o.self}
	}
	return err
}

// value reads the next value, which is not null, into the field of o that at
// points to. If it returns an error it has passed over the value.
func (r *reader) value(o *Object, at any) (err error) {
	switch at := at.(type) {
	case *string:
		*at, err = r.text()
	case *firstText:
		var s string
		s, err = r.firstText()
		*at = firstText(s)
	case *pageURL:
		var url string
		url, err = r.page()
		*at = pageURL(url)
	case *Strings:
		*at, err = r.strings()
	case *audience:
		var ids Strings
		ids, err = r.strings()
		*at = audience(ids)
	case *map[string]string:
		*at, err = r.texts()
	case *time.Time:
		*at, err = r.time()
	case *bool:
		*at, err = r.bool()
	case **bool:
		var b bool
		if b, err = r.bool(); err == nil {
			*at = &b
		}
	case *int:
		*at, err = r.count()
	case **int:
		var n int
		if n, err = r.count(); err == nil {
			*at = &n
		}
	case **Object:
		var list []Object
		list, err = r.objects()
		switch {
		case err != nil:
		case len(list) == 1:
			*at = &list[0]
		case at == &o.Object:
			o.Objects = list
		default:
			err = errUnreadable
		}
	case *picture:
		var list []Object
		list, err = r.readable()
		if len(list) > 0 {
			*at = asPicture(&list[0])
		}
	case *[]Object:
		*at, err = r.readable()
	case *Refs:
		*at, err = r.objects()
	case *Endpoints:
		var list []Object
		if list, err = r.objects(); err == nil && len(list) == 1 {
			*at = list[0].Endpoints
		}
	case *[]Key:
		var list []Object
		list, err = r.readable()
		*at = keysOf(list)
	case *[]Language:
		*at, err = r.languages()
	case *json.RawMessage:
		*at = r.skip()
	default:
		panic(fmt.Sprintf("ap: no way to read a %T", at))
	}
	return err
}

// firstText reads a string, the id of an object, or the first element of a list if
// that is one of them.
func (r *reader) firstText() (s string, err error) {
	switch r.peek() {
	case '"':
		return r.text()
	case '{':
		err = errUnreadable
		for r.i++; r.more('}'); {
			if string(r.key()) == "id" {
				s, err = r.text()
				continue
			}
			r.skip()
		}
		return s, err
	case '[':
		err = errUnreadable
		r.i++
		for n := 0; r.more(']'); n++ {
			if n == 0 {
				s, err = r.firstText()
				continue
			}
			r.skip()
		}
		return s, err
	}
	r.skip()
	return "", errUnreadable
}

// page reads the address of a page: a string, a Link, or the first of a list that
// says it is HTML, since PeerTube lists the video's files there too. If none says
// so it is the first.
func (r *reader) page() (url string, err error) {
	list, err := r.readable()
	for i := range list {
		link := &list[i]
		at := cmp.Or(link.Href, link.URL, link.ID)
		if link.MediaType == "text/html" {
			return at, nil
		}
		url = cmp.Or(url, at)
	}
	return url, err
}

// objects reads an id, an object, or a list of them. An element of a list that is
// neither, or is an object that cannot be read, is a zero Object, and then there is
// an error as well.
func (r *reader) objects() (list []Object, err error) {
	if r.peek() != '[' {
		list = make([]Object, 1)
		if err := r.object(&list[0]); err != nil {
			return nil, err
		}
		return list, nil
	}
	list = []Object{}
	for r.i++; r.more(']'); {
		if r.left <= 0 {
			r.left = -1
			r.skip()
			continue
		}
		list = append(list, Object{})
		last := &list[len(list)-1]
		if wrong := r.object(last); wrong != nil {
			*last = Object{}
			err = cmp.Or(err, wrong)
		}
	}
	return list, err
}

// readable is objects without those that cannot be read.
func (r *reader) readable() ([]Object, error) {
	list, err := r.objects()
	if err != nil {
		list = slices.DeleteFunc(list, func(o Object) bool { return o.Raw == nil && o.ID == "" })
	}
	return list, err
}

func asPicture(o *Object) *Object {
	if o.IsRef() { // Ghost
		return &Object{Type: "Image", URL: o.ID}
	}
	o.URL = cmp.Or(o.URL, o.Href)
	return o
}

// keysOf returns the keys among objects, each of which was read as a document that
// is itself a key.
func keysOf(list []Object) []Key {
	var keys []Key
	for i := range list {
		if o := &list[i]; len(o.PublicKey) > 0 {
			keys = append(keys, o.PublicKey[0])
		} else if o.ID != "" {
			keys = append(keys, Key{ID: o.ID})
		}
	}
	return keys
}

// strings reads ids, and leaves out what is none.
func (r *reader) strings() (list Strings, err error) {
	list = Strings{}
	add := func() {
		id, wrong := r.firstText()
		if wrong != nil {
			err = errUnreadable
			return
		}
		if id == "as:Public" || id == "Public" {
			id = Public
		}
		list = append(list, id)
	}
	if r.peek() == '[' {
		for r.i++; r.more(']'); {
			add()
		}
		return list, err
	}
	if add(); err != nil {
		return nil, err
	}
	return list, nil
}

// texts reads strings by language.
func (r *reader) texts() (map[string]string, error) {
	if r.peek() != '{' {
		r.skip()
		return nil, errUnreadable
	}
	all := make(map[string]string)
	for r.i++; r.more('}'); {
		tag := string(r.key())
		if s, err := r.text(); err == nil {
			all[tag] = s
		}
	}
	return all, nil
}

// languages reads language tags, {"identifier": …, "name": …}, or a list of either.
func (r *reader) languages() (list []Language, err error) {
	switch r.peek() {
	case '"':
		tag, err := r.text()
		return []Language{{Identifier: tag}}, err
	case '{':
		var l Language
		for r.i++; r.more('}'); {
			var into *string
			switch string(r.key()) {
			case "identifier":
				into = &l.Identifier
			case "name":
				into = &l.Name
			}
			if s, wrong := r.text(); into != nil && wrong == nil {
				*into = s
			}
		}
		if l.Identifier == "" {
			return nil, errUnreadable
		}
		return []Language{l}, nil
	case '[':
		for r.i++; r.more(']'); {
			l, wrong := r.languages()
			list, err = append(list, l...), cmp.Or(err, wrong)
		}
		return list, err
	}
	r.skip()
	return nil, errUnreadable
}

func (r *reader) bool() (bool, error) {
	switch string(r.skip()) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errUnreadable
}

// count reads a whole number that is not negative, be it 3, 3.0 or "3".
func (r *reader) count() (int, error) {
	n, err := strconv.ParseFloat(string(bytes.Trim(r.skip(), `"`)), 64)
	if err != nil || n < 0 || n > 1<<53 || n != math.Trunc(n) {
		return 0, errUnreadable
	}
	return int(n), nil
}

// Forms of RFC 3339 in use. Each may have a fraction of a second besides. Without
// an offset the time is UTC.
var timeLayouts = [...]string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateOnly}

func (r *reader) time() (time.Time, error) {
	s, err := r.text()
	if err != nil {
		return time.Time{}, err
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errUnreadable
}
