package federation

import (
	"slices"

	"copse/copse"
	"copse/federation/ap"
)

// A Mapping carries one kind of content to and from the wire. What all kinds
// share is carried already; a Mapping adds what its kind adds.
type Mapping struct {
	Kind   string
	Types  []string // ActivityStreams types read as this kind; the first is written
	Reply  bool     // read for whatever answers something, of any type
	Rest   bool     // read for all types that no mapping names, of what has words to show
	Encode func(*copse.Object, *ap.Object)
	Decode func(*ap.Object, *copse.Object) error
}

// Mappings is the set a server runs with.
type Mappings []Mapping

func (ms Mappings) kind(name string) (Mapping, bool) {
	for _, m := range ms {
		if m.Kind == name {
			return m, true
		}
	}
	return Mapping{}, false
}

// reading returns the mapping that reads w. What answers something is a reply,
// whatever its type; of the rest the type decides. What no mapping names is better
// read by one that can show a little of it than lost.
func (ms Mappings) reading(w *ap.Object) (Mapping, bool) {
	i := slices.IndexFunc(ms, func(m Mapping) bool {
		if m.Reply || w.InReplyTo != "" {
			return m.Reply && w.InReplyTo != ""
		}
		return slices.Contains(m.Types, w.Type)
	})
	if i < 0 && w.InReplyTo == "" && hasWords(w) {
		i = slices.IndexFunc(ms, func(m Mapping) bool { return m.Rest })
	}
	if i < 0 {
		return Mapping{}, false
	}
	return ms[i], true
}

// hasWords reports whether w is something made, of whatever type, that says
// anything.
func hasWords(w *ap.Object) bool {
	return w.Type != "" && w.Type != "Tombstone" && !isActor(w.Type) && len(w.AttributedTo) > 0 &&
		(w.Name != "" || contentOf(w) != "" || len(w.Attachment) > 0)
}
