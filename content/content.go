// Package content lists the kinds of content this server has, a folder for each.
package content

import (
	"copse/content/forum"
	"copse/content/message"
	"copse/copse"
	"copse/federation"
	"copse/web"
)

// A Part is everything about some kinds that belong together: their rules, how
// they read on the wire, and their pages.
type Part struct {
	Kinds    []copse.Kind
	Mappings []federation.Mapping
	Section  web.Section
}

// All is every part, in the order a community's pages show them. It is a variable
// only because Go has no constant lists.
var All = []Part{
	{forum.Kinds, forum.Mappings, forum.Section},
	{Section: message.Section},
}

// Kinds are the rules of every kind.
func Kinds() copse.Kinds {
	kinds := copse.Kinds{}
	for _, part := range All {
		for _, k := range part.Kinds {
			kinds[k.Name] = k
		}
	}
	return kinds
}

// Mappings are how every kind reads on the wire.
func Mappings() (all federation.Mappings) {
	for _, part := range All {
		all = append(all, part.Mappings...)
	}
	return all
}

// Sections are the pages of every part.
func Sections() (all []web.Section) {
	for _, part := range All {
		all = append(all, part.Section)
	}
	return all
}
