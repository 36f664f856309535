package federation

import (
	"copse/copse"
	"copse/federation/ap"
)

// A Mapping carries one kind of content to and from the wire. What all kinds
// share is carried already; a Mapping adds what its kind adds.
type Mapping struct {
	Kind   string
	Types  []string // ActivityStreams types read as this kind; the first is written
	Reply  bool     // read for whatever answers something, of any type
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
// whatever its type; of the rest the type decides.
func (ms Mappings) reading(w *ap.Object) (Mapping, bool) {
	for _, m := range ms {
		if m.Reply && w.InReplyTo != "" {
			return m, true
		}
		for _, t := range m.Types {
			if t == w.Type && !m.Reply && w.InReplyTo == "" {
				return m, true
			}
		}
	}
	return Mapping{}, false
}
