package ap

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Marshal returns the document that o is, in compact names, "@context" first, and
// without what is empty. The fields of o itself are written whether or not it has
// Raw; objects in it that have Raw are written as they were received. Times are
// RFC 3339 in UTC, except that StartTime and EndTime keep their offset, which says
// with the time zone when an event is where it is held (FEP-8a8e).
//
// json.Marshal does not know these names and must not be used instead. Marshal
// fails if Extra cannot be written, or if the document would not pass Check,
// for instance because Extra repeats a member: peers would refuse it.
func Marshal(o *Object) ([]byte, error) {
	top := *o
	if top.Context == nil {
		top.Context = json.RawMessage(ActivityContext)
		if top.Proof != nil || top.AssertionMethod != nil {
			top.Context = json.RawMessage(ProofContext)
		}
	}
	b, err := appendObject(make([]byte, 0, 4096), &top)
	if err != nil {
		return nil, fmt.Errorf("write %s %s: %w", o.Type, o.ID, err)
	}
	if err := Check(b); err != nil {
		return nil, fmt.Errorf("write %s %s: %w", o.Type, o.ID, err)
	}
	return b, nil
}

func appendObject(b []byte, o *Object) (_ []byte, err error) {
	b = append(b, '{')
	for _, m := range members {
		at := m.at(o)
		if empty(o, at) {
			continue
		}
		if b, err = appendValue(appendKey(b, m.name), o, at); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Extra)) {
		v, err := json.Marshal(o.Extra[name])
		if err != nil {
			return nil, err
		}
		b = append(appendKey(b, name), v...)
	}
	return append(b, '}'), nil
}

// appendKey appends a key, and before it the comma that it may need.
func appendKey(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendText(b, name), ':')
}

// empty reports whether the member of o that at points to is left out.
func empty(o *Object, at any) bool {
	switch at := at.(type) {
	case *string:
		return *at == ""
	case *firstText:
		return *at == ""
	case *pageURL:
		return *at == ""
	case *Strings:
		return *at == nil
	case *audience:
		return len(*at) == 0
	case *map[string]string:
		return len(*at) == 0
	case *time.Time:
		return at.IsZero()
	case *bool:
		return !*at
	case **bool:
		return *at == nil
	case *int:
		return *at == 0
	case **int:
		return *at == nil
	case **Object:
		return *at == nil && (at != &o.Object || o.Objects == nil)
	case *picture:
		return *at == nil
	case *[]Object:
		return *at == nil
	case *Refs:
		return len(*at) == 0
	case *Endpoints:
		return *at == Endpoints{}
	case *[]Key:
		return len(*at) == 0
	case *[]Language:
		return len(*at) == 0
	case *json.RawMessage:
		return *at == nil
	default:
		panic(fmt.Sprintf("ap: no way to write a %T", at))
	}
}

// appendValue appends the member of o that at points to, which is not empty.
func appendValue(b []byte, o *Object, at any) ([]byte, error) {
	switch at := at.(type) {
	case *string:
		return appendText(b, *at), nil
	case *firstText:
		return appendText(b, string(*at)), nil
	case *pageURL:
		return appendText(b, string(*at)), nil
	case *Strings:
		return appendStrings(b, *at), nil
	case *audience:
		if len(*at) == 1 { // Lemmy takes nothing else
			return appendText(b, (*at)[0]), nil
		}
		return appendStrings(b, Strings(*at)), nil
	case *map[string]string:
		b = append(b, '{')
		for _, tag := range slices.Sorted(maps.Keys(*at)) {
			b = appendText(appendKey(b, tag), (*at)[tag])
		}
		return append(b, '}'), nil
	case *time.Time:
		t := *at
		if at != &o.StartTime && at != &o.EndTime {
			t = t.UTC()
		}
		b = append(b, '"')
		b = t.AppendFormat(b, time.RFC3339Nano)
		return append(b, '"'), nil
	case *bool:
		return strconv.AppendBool(b, *at), nil
	case **bool:
		return strconv.AppendBool(b, **at), nil
	case *int:
		return strconv.AppendInt(b, int64(*at), 10), nil
	case **int:
		return strconv.AppendInt(b, int64(**at), 10), nil
	case **Object:
		if *at == nil {
			return appendObjects(b, o.Objects)
		}
		return appendEmbedded(b, *at)
	case *picture:
		return appendEmbedded(b, *at)
	case *[]Object:
		return appendObjects(b, *at)
	case *Refs:
		if len(*at) == 1 { // as peers require of attributedTo
			return appendEmbedded(b, &(*at)[0])
		}
		return appendObjects(b, *at)
	case *Endpoints:
		b = appendText(append(b, `{"sharedInbox":`...), at.SharedInbox)
		return append(b, '}'), nil
	case *[]Key:
		return appendKeys(b, *at), nil
	case *[]Language:
		return appendLanguages(b, *at, o.PreferredUsername != ""), nil
	case *json.RawMessage:
		return append(b, *at...), nil
	default:
		panic(fmt.Sprintf("ap: no way to write a %T", at))
	}
}

// appendEmbedded appends an object inside another: as it was received if it was,
// else as its id if that is all there is to it.
func appendEmbedded(b []byte, o *Object) ([]byte, error) {
	switch {
	case o.Raw != nil:
		return append(b, o.Raw...), nil
	case o.IsRef():
		return appendText(b, o.ID), nil
	}
	return appendObject(b, o)
}

func appendObjects(b []byte, list []Object) (_ []byte, err error) {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendEmbedded(b, &list[i]); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendStrings(b []byte, list Strings) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

// appendKeys appends one RSA key as the object that all peers expect, and Multikeys
// as the list that FEP-521a does.
func appendKeys(b []byte, keys []Key) []byte {
	list := len(keys) > 1 || keys[0].Multibase != ""
	if list {
		b = append(b, '[')
	}
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		switch {
		case k.Multibase != "":
			b = appendText(append(b, `{"id":`...), k.ID)
			b = appendText(append(b, `,"type":"Multikey","controller":`...), k.Owner)
			b = appendText(append(b, `,"publicKeyMultibase":`...), k.Multibase)
			b = append(b, '}')
		case k.PEM != "":
			b = appendText(append(b, `{"id":`...), k.ID)
			b = appendText(append(b, `,"owner":`...), k.Owner)
			b = appendText(append(b, `,"publicKeyPem":`...), k.PEM)
			b = append(b, '}')
		default:
			b = appendText(b, k.ID)
		}
	}
	if list {
		b = append(b, ']')
	}
	return b
}

// appendLanguages appends the languages of an actor as a list and that of a post as
// one object, since Lemmy takes them in no other way.
func appendLanguages(b []byte, list []Language, actor bool) []byte {
	if actor {
		b = append(b, '[')
	} else {
		list = list[:1]
	}
	for i, l := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"identifier":`...), l.Identifier)
		b = appendText(append(b, `,"name":`...), l.Name)
		b = append(b, '}')
	}
	if actor {
		b = append(b, ']')
	}
	return b
}

// appendText appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0 // how much of s is in b
	for i := 0; i < len(s); {
		ch := s[i]
		if ch >= ' ' && ch != '"' && ch != '\\' && ch < utf8.RuneSelf {
			i++
			continue
		}
		if ch >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[done:i]...)
		switch {
		case ch >= utf8.RuneSelf:
			b = append(b, "\uFFFD"...)
		case ch == '"' || ch == '\\':
			b = append(b, '\\', ch)
		case ch == '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hex[ch>>4], hex[ch&15])
		}
		i++
		done = i
	}
	return append(append(b, s[done:]...), '"')
}
