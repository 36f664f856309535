// Package seed fills servers with people and conversations, as they would be
// after some weeks of use: for the demonstration, for journeys through the pages,
// and for measuring.
//
// It does nothing that people could not do. They are registered, found
// communities, join them and write through the hub, and everything travels from
// server to server as it always does. Only the times are in the past.
//
// The words are in unit/, a TOML file for each community. Who marks what as
// helpful, and when things were said, is drawn from a seed: the same seed and the
// same moment give the same conversations.
package seed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"copse/content/forum"
	"copse/copse"
	"copse/internal/markup"
	"copse/internal/server"
	"copse/store"
)

// Options are what a profile is filled in with.
type Options struct {
	Seed     uint64
	Now      time.Time // the end of the month in which everything was said
	Password string    // everybody's
}

// patience is how long something may take to travel before Fill gives up on it.
const patience = 2 * time.Minute

// Fill fills empty servers with p. servers has one for each council, by its name;
// they must be running, and able to reach each other. It returns when everything
// has arrived everywhere.
func Fill(ctx context.Context, p *Profile, servers map[string]*server.Server, o Options) error {
	f := &filling{
		profile: p, servers: servers, options: o,
		rand:   rand.New(rand.NewPCG(o.Seed, o.Seed)),
		people: make(map[string]*copse.Actor),
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"introduce the councils to each other", f.councils},
		{"register the people", f.register},
		{"start the communities", f.found},
		{"have people join", f.join},
		{"welcome them", f.welcome},
		{"have them talk", f.talk},
		{"have them react", f.react},
		{"leave some at the door", f.wait},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// A filling is one run of Fill.
type filling struct {
	profile *Profile
	servers map[string]*server.Server
	options Options
	rand    *rand.Rand
	people  map[string]*copse.Actor // by "tess@stevenage", as their own server has them
	said    []*post                 // in the order of time
}

// at returns the server that a person of the profile is at.
func (f *filling) at(person string) *server.Server {
	_, council, _ := strings.Cut(person, "@")
	return f.servers[council]
}

// homeOf returns the server of a community, and its id on every server.
func (f *filling) homeOf(c *Community) (home *server.Server, uri string) {
	home = f.servers[c.At]
	return home, home.Hub.Base + "/c/" + c.Name
}

func (f *filling) councils(ctx context.Context) error {
	for _, council := range f.profile.Councils {
		s := f.servers[council.Name]
		if s == nil {
			return fmt.Errorf("there is no server for %s", council.Title)
		}
		err := s.DB.Update(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.SetSetting("title", council.Title), tx.SetSetting("domain", council.Domain))
		})
		if err != nil {
			return err
		}
		for _, other := range f.profile.Councils {
			if other.Name == council.Name {
				continue
			}
			host := f.servers[other.Name].Hub.Host()
			if _, err := (server.Admin{Server: s}).Decide(ctx, server.Decision{Host: host, What: copse.DecideAllow}); err != nil {
				return err
			}
		}
	}
	return nil
}

// register adds the people of every council at once: most of it is hashing their
// passwords.
func (f *filling) register(ctx context.Context) error {
	councils, together := errgroup.WithContext(ctx)
	for _, council := range f.profile.Councils {
		councils.Go(func() error { return f.registerAt(together, council) })
	}
	if err := councils.Wait(); err != nil {
		return err
	}
	for _, council := range f.profile.Councils {
		s := f.servers[council.Name]
		err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
			for _, p := range council.People {
				if f.people[p.Name+"@"+council.Name], err = tx.ActorByName(p.Name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) registerAt(ctx context.Context, council *Council) error {
	s := f.servers[council.Name]
	for i, p := range council.People {
		role := store.Ordinary
		if i == 0 {
			role = store.Owner
		}
		_, err := server.Admin{Server: s}.AddPerson(ctx, server.NewPerson{
			Name: p.Name, Title: p.Title, JobTitle: p.Job, Email: p.Name + "@" + council.Domain,
			Password: f.options.Password, Role: role, Confirmed: true,
		})
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		if p.About == "" {
			continue
		}
		var person *copse.Actor
		err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
			person, err = tx.ActorByName(p.Name)
			return err
		})
		if err != nil {
			return err
		}
		person.Source, person.Summary = p.About, markup.HTML(p.About)
		if err := s.Hub.Describe(ctx, person); err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) found(ctx context.Context) error {
	for _, c := range f.profile.Communities {
		home, _ := f.homeOf(c)
		made := &copse.Community{
			Actor: copse.Actor{
				Name: c.Name, Title: c.Title, Source: c.Purpose, Summary: markup.HTML(c.Purpose),
				Created: f.options.Now.Add(-month).UTC().Truncate(time.Microsecond),
			},
			Join: c.Join, Audience: c.Audience, Posting: copse.Member,
		}
		if err := home.Hub.Found(ctx, f.people[c.Owner], made); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

// join has everybody who is to be in a community ask to join, and its owner let
// in those who have to wait.
func (f *filling) join(ctx context.Context) error {
	var let, in []fact
	for _, c := range f.profile.Communities {
		home, _ := f.homeOf(c)
		for _, person := range c.members() {
			if person == c.Owner {
				continue
			}
			if err := f.ask(ctx, c, person, ""); err != nil {
				return err
			}
			if c.Join == copse.JoinApproval {
				let = append(let, f.standing(c, person, home, copse.Pending))
			}
			in = append(in, f.standing(c, person, f.at(person), copse.Active))
		}
	}
	if err := until(ctx, let); err != nil {
		return err
	}
	for _, c := range f.profile.Communities {
		if err := f.letIn(ctx, c); err != nil {
			return err
		}
	}
	return until(ctx, in)
}

// ask has somebody ask to join a community, from their own server.
func (f *filling) ask(ctx context.Context, c *Community, person, reason string) error {
	home, _ := f.homeOf(c)
	s := f.at(person)
	there, err := s.Fed.Find(ctx, "!"+c.Name+"@"+home.Hub.Host())
	if err != nil {
		return fmt.Errorf("find %s from %s: %w", c.Name, s.Hub.Host(), err)
	}
	if err := s.Hub.Join(ctx, f.people[person], there, reason); err != nil {
		return fmt.Errorf("%s joins %s: %w", person, c.Name, err)
	}
	return nil
}

func (f *filling) letIn(ctx context.Context, c *Community) error {
	home, uri := f.homeOf(c)
	var (
		here    *copse.Community
		waiting []store.Person
	)
	err := home.DB.View(ctx, func(tx *store.Tx) (err error) {
		if here, err = tx.CommunityByURI(uri); err != nil {
			return err
		}
		waiting, err = tx.Waiting(here.ID, len(f.people))
		return err
	})
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if err := home.Hub.Decide(ctx, f.people[c.Owner], here, w.Actor, true, ""); err != nil {
			return err
		}
	}
	return nil
}

// welcome has every owner write the community's welcome. That others hear of it is
// also how they learn how many members there are by now.
func (f *filling) welcome(ctx context.Context) error {
	var heard []fact
	for _, c := range f.profile.Communities {
		home, uri := f.homeOf(c)
		var here *copse.Community
		err := home.DB.View(ctx, func(tx *store.Tx) (err error) {
			here, err = tx.CommunityByURI(uri)
			return err
		})
		if err != nil {
			return err
		}
		here.Welcome = c.Welcome
		if err := home.Hub.Govern(ctx, f.people[c.Owner], here); err != nil {
			return err
		}
		for _, s := range f.serversOf(c) {
			heard = append(heard, fact{s, "all members of " + c.Name + " are counted", func(tx *store.Tx) (bool, error) {
				there, err := tx.CommunityByURI(uri)
				return err == nil && there.Members == len(c.members()), err
			}})
		}
	}
	return until(ctx, heard)
}

// wait has some people ask to join and nobody answer.
func (f *filling) wait(ctx context.Context) error {
	var asked []fact
	for _, c := range f.profile.Communities {
		home, _ := f.homeOf(c)
		for _, w := range c.Waiting {
			if err := f.ask(ctx, c, w.By, w.Reason); err != nil {
				return err
			}
			asked = append(asked, f.standing(c, w.By, home, copse.Pending))
		}
	}
	return until(ctx, asked)
}

// A post is something said in the profile, and where it went.
type post struct {
	*Post
	community *Community
	parent    *post // nil for what starts a conversation
	depth     int
	at        time.Time
	uri       string // once it is posted
}

// talk posts everything that is said. Answers wait until what they answer has
// arrived at every server of the community: people answer what they can read.
func (f *filling) talk(ctx context.Context) error {
	f.said = f.schedule()
	for depth := 0; ; depth++ {
		var arrived []fact
		for _, p := range f.said {
			if p.depth != depth {
				continue
			}
			if err := f.say(ctx, p); err != nil {
				return fmt.Errorf("%s in %s: %w", p.By, p.community.Name, err)
			}
			for _, s := range f.serversOf(p.community) {
				arrived = append(arrived, f.arrival(p, s))
			}
		}
		if len(arrived) == 0 {
			return nil
		}
		if err := until(ctx, arrived); err != nil {
			return err
		}
	}
}

func (f *filling) say(ctx context.Context, p *post) error {
	s := f.at(p.By)
	o := &copse.Object{
		Kind: forum.Topic, Title: p.Title, Source: p.Text, HTML: markup.HTML(p.Text),
		Language: p.Language, Question: p.Question, Published: p.at,
	}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		if p.parent != nil {
			parent, err := tx.ObjectByURI(p.parent.uri)
			if err == nil {
				o.Kind, o.Parent = forum.Reply, parent.ID
			}
			return err
		}
		_, uri := f.homeOf(p.community)
		c, err := tx.CommunityByURI(uri)
		if err == nil {
			o.Community = c.ID
		}
		return err
	})
	if err != nil {
		return err
	}
	err = s.Hub.Post(ctx, f.people[p.By], o)
	p.uri = o.URI
	return err
}

// react has people accept answers, mark what helped them and change or remove
// what was said.
func (f *filling) react(ctx context.Context) error {
	var seen []fact
	for _, p := range f.said {
		facts, err := f.reactTo(ctx, p)
		if err != nil {
			return fmt.Errorf("%q: %w", p.Text, err)
		}
		seen = append(seen, facts...)
	}
	return until(ctx, seen)
}

func (f *filling) reactTo(ctx context.Context, p *post) (seen []fact, err error) {
	everywhere := func(what string, is func(*store.Tx, *copse.Object) (bool, error)) {
		for _, s := range f.serversOf(p.community) {
			seen = append(seen, f.about(p, s, what, is))
		}
	}
	readers := slices.DeleteFunc(p.community.members(), func(person string) bool { return person == p.By })
	f.rand.Shuffle(len(readers), func(i, j int) { readers[i], readers[j] = readers[j], readers[i] })
	readers = readers[:min(p.Helpful, len(readers))]
	for _, reader := range readers {
		err := f.change(ctx, p, reader, func(s *server.Server, o *copse.Object) error {
			return s.Hub.Like(ctx, f.people[reader], o, true)
		})
		if err != nil {
			return nil, err
		}
	}
	if len(readers) > 0 {
		everywhere("has its marks", func(_ *store.Tx, o *copse.Object) (bool, error) { return o.Likes == len(readers), nil })
	}
	if p.Edited != "" {
		err := f.change(ctx, p, p.By, func(s *server.Server, o *copse.Object) error {
			o.Source, o.HTML, o.Edited = p.Edited, markup.HTML(p.Edited), p.at.Add(12*time.Minute)
			return s.Hub.Edit(ctx, f.people[p.By], o)
		})
		if err != nil {
			return nil, err
		}
		everywhere("has its new words", func(_ *store.Tx, o *copse.Object) (bool, error) { return !o.Edited.IsZero(), nil })
	}
	if p.Answer {
		question := p
		for question.parent != nil {
			question = question.parent
		}
		err := f.change(ctx, question, question.By, func(s *server.Server, o *copse.Object) error {
			err := s.DB.View(ctx, func(tx *store.Tx) error {
				answer, err := tx.ObjectByURI(p.uri)
				if err == nil {
					o.Answer = answer.ID
				}
				return err
			})
			if err != nil {
				return err
			}
			return s.Hub.Edit(ctx, f.people[question.By], o)
		})
		if err != nil {
			return nil, err
		}
		everywhere("is the answer", func(tx *store.Tx, o *copse.Object) (bool, error) {
			root, err := tx.Object(o.Root)
			return err == nil && root.Answer == o.ID, err
		})
	}
	if p.Removed != "" {
		err := f.change(ctx, p, p.community.Owner, func(s *server.Server, o *copse.Object) error {
			return s.Hub.Remove(ctx, f.people[p.community.Owner], o, p.Removed)
		})
		if err != nil {
			return nil, err
		}
		everywhere("is removed", func(_ *store.Tx, o *copse.Object) (bool, error) { return !o.Deleted.IsZero(), nil })
	}
	return seen, nil
}

// change has a person do something to a post as their own server has it.
func (f *filling) change(ctx context.Context, p *post, person string, do func(*server.Server, *copse.Object) error) error {
	s := f.at(person)
	var o *copse.Object
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		o, err = tx.ObjectByURI(p.uri)
		return err
	})
	if err != nil {
		return err
	}
	return do(s, o)
}

// serversOf returns the servers with members in a community, in the order of the
// profile.
func (f *filling) serversOf(c *Community) (all []*server.Server) {
	members := c.members()
	for _, council := range f.profile.Councils {
		if slices.ContainsFunc(members, func(person string) bool { return strings.HasSuffix(person, "@"+council.Name) }) {
			all = append(all, f.servers[council.Name])
		}
	}
	return all
}

// A fact is something that is to become true at a server.
type fact struct {
	at   *server.Server
	what string
	is   func(*store.Tx) (bool, error)
}

// until waits for all facts to be true. It looks again a hundred times a second:
// what is waited for is what other servers do.
func until(ctx context.Context, facts []fact) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for _, fact := range facts {
		for {
			var is bool
			err := fact.at.DB.View(ctx, func(tx *store.Tx) (err error) {
				is, err = fact.is(tx)
				return err
			})
			if err != nil && copse.CodeOf(err) != copse.CodeNotFound {
				return err
			}
			if is && err == nil {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("it did not come about that at %s %s: %w", fact.at.Hub.Host(), fact.what, ctx.Err())
			}
		}
	}
	return nil
}

// standing is the fact that a server knows somebody to stand so to a community.
func (f *filling) standing(c *Community, person string, at *server.Server, want copse.State) fact {
	_, uri := f.homeOf(c)
	return fact{at, fmt.Sprintf("%s is %s in %s", person, want, c.Name), func(tx *store.Tx) (bool, error) {
		community, err := tx.CommunityByURI(uri)
		if err != nil {
			return false, err
		}
		actor, err := tx.ActorByURI(f.people[person].URI)
		if err != nil {
			return false, err
		}
		m, err := tx.Membership(community.ID, actor.ID)
		return err == nil && m.State == want, err
	}}
}

// arrival is the fact that a post is at a server, and taken by its community.
func (f *filling) arrival(p *post, at *server.Server) fact {
	return f.about(p, at, "is there", func(_ *store.Tx, o *copse.Object) (bool, error) {
		return !o.Accepted.IsZero(), nil
	})
}

func (f *filling) about(p *post, at *server.Server, what string, is func(*store.Tx, *copse.Object) (bool, error)) fact {
	return fact{at, p.uri + " " + what, func(tx *store.Tx) (bool, error) {
		o, err := tx.ObjectByURI(p.uri)
		if err != nil {
			return false, err
		}
		return is(tx, o)
	}}
}
