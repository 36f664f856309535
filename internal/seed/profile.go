package seed

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"copse/copse"
)

// A Profile is what servers are filled with. People are written
// "tess@stevenage", with the name of their council.
type Profile struct {
	Councils    []*Council
	Communities []*Community // by name
}

// A Council runs one server.
type Council struct {
	Name   string // "stevenage"
	Title  string
	Domain string    // of its people's work addresses
	People []*Person // the first owns the server
}

// A Person works at a council.
type Person struct {
	Name  string
	Title string
	Job   string
	About string // Markdown
}

// A Community is one and everything said in it.
type Community struct {
	Name     string
	At       string // the council that runs it
	Title    string
	Purpose  string // Markdown
	Welcome  string
	Join     copse.Join
	Audience copse.Audience
	Owner    string
	Also     []string // members who say nothing
	Topic    []*Topic // in the order of time
	Waiting  []Request
}

// A Request is somebody's who asked to join and has no answer yet.
type Request struct {
	By     string
	Reason string
}

// A Topic starts a conversation.
type Topic struct {
	Post
	Reply []*Post // in the order of time
}

// A Post is something said.
type Post struct {
	By       string
	Title    string // of a topic
	Text     string // Markdown
	Language string // "en" if it is not said
	Question bool   // of a topic
	To       int    // which reply this answers, counted from 1; 0 answers the topic
	Answer   bool   // the reply that whoever asked accepted
	Helpful  int    // how many mark it so
	Edited   string // what the text was changed to
	Removed  string // why a facilitator removed it
}

//go:embed unit/*.toml
var texts embed.FS

// Unit is the smallest profile: four councils with twelve people each, six
// communities, and about 120 contributions in a month.
func Unit() (*Profile, error) {
	p := new(Profile)
	names, err := fs.Glob(texts, "unit/*.toml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := texts.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if path.Base(name) == "councils.toml" {
			var councils struct{ Council []*Council }
			err = strictly(text, &councils)
			p.Councils = councils.Council
		} else {
			c := new(Community)
			err = strictly(text, c)
			p.Communities = append(p.Communities, c)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, c := range p.Communities {
		for _, t := range c.Topic {
			tidy(&t.Post)
			for _, r := range t.Reply {
				tidy(r)
			}
		}
	}
	return p, nil
}

// strictly refuses keys that mean nothing, which are slips.
func strictly(text []byte, into any) error {
	return toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into)
}

func tidy(p *Post) {
	p.Text = strings.TrimSpace(p.Text)
	if p.Language == "" {
		p.Language = "en"
	}
}

// members returns everybody in a community once, its owner first.
func (c *Community) members() []string {
	all := []string{c.Owner}
	add := func(person string) {
		if !slices.Contains(all, person) {
			all = append(all, person)
		}
	}
	for _, t := range c.Topic {
		add(t.By)
		for _, r := range t.Reply {
			add(r.By)
		}
	}
	for _, person := range c.Also {
		add(person)
	}
	return all
}
