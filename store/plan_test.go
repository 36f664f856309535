package store_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// A hot query is one that runs for every page, activity or delivery.
type hot struct {
	name  string
	run   func(*store.Tx) error
	index string // that SQLite uses, one or several
	// What is read whole, by alias: only what the query itself has just made and
	// bounded, or a table that is small and wanted whole.
	scans string
	sorts bool // few rows that no index has in order
}

func hotQueries(town *storetest.Town) []hot {
	big, quiet := town.Communities[0], town.Communities[len(town.Communities)-1]
	ann, last := town.People[0], town.People[len(town.People)-1]
	peer := town.Peers[0]
	v := copse.Viewer{Actor: ann, Peer: peer}
	now := time.Now()
	place := store.Place{Active: now, ID: store.NewID()}
	ids := new(int)
	object := func(parent copse.ID) *copse.Object {
		*ids++
		return &copse.Object{
			ID: store.NewID(), URI: fmt.Sprint("https://new.example/", *ids), Kind: "topic", Community: big, Author: ann, Parent: parent, Published: now,
		}
	}
	return []hot{
		{"Post", func(tx *store.Tx) error { _, err := tx.Post(v, town.Thread); return err }, "INTEGER PRIMARY KEY", "", false},
		{"PostByURI", func(tx *store.Tx) error { _, err := tx.PostByURI(v, "x"); return err }, "sqlite_autoindex_objects_1", "", false},
		{"ObjectByURI", func(tx *store.Tx) error { _, err := tx.ObjectByURI("x"); return err }, "sqlite_autoindex_objects_1", "", false},
		{"Newest", func(tx *store.Tx) error { _, err := tx.Newest(v, big, "topic", 0, 20); return err }, "objects_newest", "", false},
		{"MostActive", func(tx *store.Tx) error { _, err := tx.MostActive(v, big, "topic", place, 20); return err }, "objects_active", "", false},
		{"Unanswered", func(tx *store.Tx) error { _, err := tx.Unanswered(v, big, 0, 20); return err }, "objects_open", "", false},
		{"Thread", func(tx *store.Tx) error { _, err := tx.Thread(v, town.Thread, "", 50); return err }, "objects_thread", "", false},
		{"ThreadURIs", func(tx *store.Tx) error { _, err := tx.ThreadURIs(v, town.Thread); return err }, "objects_thread", "", true},
		{"By", func(tx *store.Tx) error { _, err := tx.By(v, town.People[3], 0, 20); return err }, "objects_author", "", false},
		{"Written", func(tx *store.Tx) error { _, err := tx.Written(town.People[3], big); return err }, "objects_author", "", false},
		{"Home", func(tx *store.Tx) error { _, err := tx.Home(ann, place, 20); return err }, "memberships_actor objects_home", "t u s b", true},
		{"Submitted", func(tx *store.Tx) error { _, err := tx.Submitted(v, big); return err }, "objects_waiting", "", false},
		{"Tally", func(tx *store.Tx) error { _, err := tx.Tally(v, big); return err }, "objects_open", "few", false},
		{"Concerns", func(tx *store.Tx) error { _, err := tx.Concerns(ann); return err }, "memberships_actor memberships_", "", false},
		{"Successor", func(tx *store.Tx) error { _, err := tx.Successor(ann); return err }, "INTEGER PRIMARY KEY", "", false},
		{"Moving", func(tx *store.Tx) error { _, err := tx.Moving(50); return err }, "communities_moving", "", false},
		{"Offers", func(tx *store.Tx) error { _, err := tx.Offers(ann); return err }, "offers_1", "", false},
		{"AddressReached", func(tx *store.Tx) error {
			out := &store.Outgoing{URI: object(0).URI + "#move", Type: "Move", Signer: big, Body: []byte("{}")}
			if err := tx.Append(out); err != nil {
				return err
			}
			return tx.AddressReached(out.ID, big)
		}, "peer_communities_community", "", false},
		{"Facts", func(tx *store.Tx) error {
			_, err := tx.Facts(ann, &copse.Community{Actor: copse.Actor{ID: big}}, nil)
			return err
		}, "memberships_1", "", false},
		{"Empty", func(tx *store.Tx) error { _, err := tx.Empty(quiet); return err }, "objects_", "", false},
		{"Revisions", func(tx *store.Tx) error { _, err := tx.Revisions(town.Thread); return err }, "revisions_1", "", false},
		{"Response", func(tx *store.Tx) error { _, err := tx.Response(town.Thread, ann, "Like"); return err }, "responses_1", "", false},
		{"AddObject", func(tx *store.Tx) error { return tx.AddObject(object(town.Thread)) }, "objects_replies", "t", true},
		{"SetObject", func(tx *store.Tx) error {
			_, err := tx.SetObject(&copse.Object{ID: town.Thread}, time.Now())
			return err
		}, "revisions_1", "", false},
		{"DeleteObject", func(tx *store.Tx) error {
			o := object(town.Thread)
			if err := tx.AddObject(o); err != nil {
				return err
			}
			return tx.DeleteObject(o, false)
		}, "revisions_1 objects_replies", "t", true},
		{"removing", func(tx *store.Tx) error {
			o := object(town.Thread)
			if err := tx.AddObject(o); err != nil {
				return err
			}
			if err := tx.DeleteObject(o, true); err != nil {
				return err
			}
			return tx.RestoreObject(o)
		}, "objects_replies", "t", true},
		{"Withheld", func(tx *store.Tx) error { return tx.Withheld(object(0)) }, "INTEGER PRIMARY KEY", "", false},
		{"TidyWithheld", func(tx *store.Tx) error { return tx.TidyWithheld(now) }, "withheld_at", "", false},
		{"Lock", func(tx *store.Tx) error {
			if _, err := tx.SetLock(town.Thread, "x", ""); err != nil {
				return err
			}
			if _, err := tx.Unlock(town.Thread); err != nil {
				return err
			}
			_, err := tx.Lock(town.Thread)
			return err
		}, "INTEGER PRIMARY KEY", "", false},
		{"Pinned", func(tx *store.Tx) error {
			if err := tx.Pin(&copse.Object{ID: town.Thread, Community: big}); err != nil {
				return err
			}
			if _, err := tx.Pins(big); err != nil {
				return err
			}
			if err := tx.SetPins(big, []*copse.Object{{ID: town.Thread}}); err != nil {
				return err
			}
			_, err := tx.Pinned(v, big)
			return err
		}, "pins_community", "", false},
		{"IsPinned", func(tx *store.Tx) error {
			if err := tx.Unpin(&copse.Object{ID: town.Thread}); err != nil {
				return err
			}
			_, err := tx.IsPinned(town.Thread)
			return err
		}, "INTEGER PRIMARY KEY", "", false},
		{"Readings", func(tx *store.Tx) error {
			if err := tx.SetReading(store.Reading{Object: town.Thread, Place: "x"}); err != nil {
				return err
			}
			_, err := tx.Readings(big, 20)
			return err
		}, "objects_home", "", false},
		{"Missing", func(tx *store.Tx) error { _, err := tx.Missing([]string{"x"}); return err }, "sqlite_autoindex_objects_1", "", false},
		{"Quotes", func(tx *store.Tx) error {
			if err := tx.AddQuote(store.Quote{Object: town.Thread, Actor: ann, URI: "x"}, "y"); err != nil {
				return err
			}
			if _, err := tx.Quoted("x"); err != nil {
				return err
			}
			if _, err := tx.QuoteAt(copse.QuoteURI("y", "x")); err != nil {
				return err
			}
			_, err := tx.Quotes(town.Thread, 20)
			return err
		}, "quotes_", "", false},
		{"Respond", func(tx *store.Tx) error { _, err := tx.Respond(town.Thread, last, "Like", "x"); return err }, "responses_1", "", false},
		{"Discard", func(tx *store.Tx) error { _, err := tx.Discard(peer, 100); return err }, "responses_vouched", "", false},

		{"Community", func(tx *store.Tx) error { _, err := tx.Community(big); return err }, "INTEGER PRIMARY KEY", "", false},
		{"Communities", func(tx *store.Tx) error { _, err := tx.Communities(store.Directory{Before: big, N: 20}); return err }, "communities_active", "", false},
		{"SetCommunity", func(tx *store.Tx) error {
			c, err := tx.Community(big)
			if err != nil {
				return err
			}
			return tx.SetCommunity(c)
		}, "INTEGER PRIMARY KEY", "", false},
		{"Membership", func(tx *store.Tx) error { _, err := tx.Membership(big, ann); return err }, "memberships_1", "", false},
		{"MembersOf", func(tx *store.Tx) error { _, err := tx.MembersOf(big, copse.Member, town.People[9], 20); return err }, "memberships_role", "", false},
		{"Audience", func(tx *store.Tx) error { _, err := tx.Audience(big); return err }, "INTEGER PRIMARY KEY", "", false},
		{"MembersFrom", func(tx *store.Tx) error { _, err := tx.MembersFrom(big, "x.example", 20); return err }, "actors_host memberships_", "", true},
		{"MembersHere", func(tx *store.Tx) error { _, err := tx.MembersHere(town.Communities[3]); return err }, "memberships_role", "", true},
		{"Waiting", func(tx *store.Tx) error { _, err := tx.Waiting(town.Communities[1], 20); return err }, "memberships_pending", "", false},
		{"Banned", func(tx *store.Tx) error { _, err := tx.Banned(town.Communities[1], 20); return err }, "memberships_blocked", "", false},
		{"Tended", func(tx *store.Tx) error { _, err := tx.Tended(big); return err }, "memberships_role", "", false},
		{"ForgetOthers", func(tx *store.Tx) error { return tx.ForgetOthers(town.Communities[1]) }, "memberships_", "", false},
		{"Proposals", func(tx *store.Tx) error {
			if err := tx.Propose(&store.Proposal{Community: big, About: ann, Ruling: copse.Banning, By: ann}); err != nil {
				return err
			}
			if err := tx.Settle(big, ann, copse.Pinning); err != nil {
				return err
			}
			_, err := tx.Proposals(big, 100)
			return err
		}, "sqlite_autoindex_proposals_1", "", false},
		{"Standing", func(tx *store.Tx) error { _, err := tx.Standing(ann); return err }, "memberships_actor", "", false},
		{"Followed", func(tx *store.Tx) error { _, err := tx.Followed(town.Communities[3]); return err }, "memberships_", "", false},
		{"joining", func(tx *store.Tx) error { return tx.SetMembership(standing(big, last, copse.Active, copse.Member)) }, "memberships_role peers_1", "", false},
		{"leaving", func(tx *store.Tx) error { return tx.SetMembership(standing(big, last, copse.Left, 0)) }, "memberships_role actors_host", "", false},

		{"OutboxAfter", func(tx *store.Tx) error { _, err := tx.OutboxAfter(0, 100); return err }, "outbox_announced", "", false},
		{"OutboxFor", func(tx *store.Tx) error { _, err := tx.OutboxFor(peer, 0, 20); return err }, "outbox_announced peer_communities_", "", false},
		{"Outgoing", func(tx *store.Tx) error { _, err := tx.Outgoing(1); return err }, "INTEGER PRIMARY KEY", "", false},
		{"OutgoingByURI", func(tx *store.Tx) error { _, err := tx.OutgoingByURI("x"); return err }, "outbox_1 outbox_inner", "", false},
		{"Announced", func(tx *store.Tx) error { _, err := tx.Announced(v, big, 20); return err }, "outbox_community", "", false},
		{"Append", func(tx *store.Tx) error {
			return tx.Append(&store.Outgoing{URI: object(0).URI, Type: "Create", Signer: big, Body: []byte("{}")})
		}, "logs_1", "", false},
		{"Extras", func(tx *store.Tx) error { _, err := tx.Extras(peer, 20); return err }, "peer_extra_peer", "", false},
		{"Delivered", func(tx *store.Tx) error { return tx.Delivered(peer, 1) }, "peer_extra_", "", false},
		{"Receipts", func(tx *store.Tx) error { _, err := tx.Receipts(town.Thread); return err },
			"outbox_object peer_communities_community peers_1 peer_extra_1", "x r", true},
		{"Lanes", func(tx *store.Tx) error { _, _, err := tx.Lanes(); return err }, "peer_communities_1 peer_extra_peer", "p", false},
		{"Concerned", func(tx *store.Tx) error { _, _, err := tx.Concerned(store.NewID()); return err },
			"outbox_announced peer_communities_community peer_extra_outbox peer_extra_due peers_due", "c", true},
		{"NextTry", func(tx *store.Tx) error { _, err := tx.NextTry(); return err }, "peers_due peer_extra_due", "d", false},
		{"Reached", func(tx *store.Tx) error { _, err := tx.Reached(big); return err }, "peer_communities_community", "", true},
		{"ReachesMembers", func(tx *store.Tx) error { _, err := tx.ReachesMembers(big, "council1.example"); return err }, "peers_1 peer_communities_", "", false},
		{"ReachesMicroblogs", func(tx *store.Tx) error { _, err := tx.ReachesMicroblogs(big); return err }, "peer_communities_community", "", false},
		{"Reaches", func(tx *store.Tx) error { _, err := tx.Reaches(big, "council1.example"); return err }, "peers_1 peer_communities_", "", false},
		{"Peer", func(tx *store.Tx) error { _, err := tx.Peer("council1.example"); return err }, "peers_1", "", false},
		{"AnnouncedAfter", func(tx *store.Tx) error { _, err := tx.AnnouncedAfter(big, 1, 100); return err }, "outbox_community", "", false},
		{"NextPull", func(tx *store.Tx) error { _, err := tx.NextPull(); return err }, "pulls_due memberships_", "", false},
		{"DuePulls", func(tx *store.Tx) error { _, err := tx.DuePulls(100); return err }, "pulls_due memberships_", "", false},
		{"Held", func(tx *store.Tx) error { _, err := tx.Held("council1.example"); return err }, "settings_1 peers_1", "", false},
		{"Awaited", func(tx *store.Tx) error { _, err := tx.Awaited(&copse.Peer{ID: peer}, 20); return err },
			"outbox_announced peer_communities_ peer_extra_", "w a", true},
		{"Decisions", func(tx *store.Tx) error { _, err := tx.Decisions(peer, 20); return err }, "decisions_peer", "", false},
		{"SetCursor", func(tx *store.Tx) error { return tx.SetCursor(peer, 1) }, "INTEGER PRIMARY KEY", "", false},
		{"Heard", func(tx *store.Tx) error { return tx.Heard("council1.example", now) }, "peers_1", "", false},

		{"Seen", func(tx *store.Tx) error { _, err := tx.Seen("x"); return err }, "activities_1", "", false},
		{"Did", func(tx *store.Tx) error { _, _, _, err := tx.Did("x"); return err }, "activities_1", "", false},
		{"Deleted", func(tx *store.Tx) error { _, _, err := tx.Deleted("x", ann, big); return err }, "activities_deleted", "", false},
		{"Removal", func(tx *store.Tx) error { _, _, err := tx.Removal("x"); return err }, "activities_deleted", "", false},
		{"Log", func(tx *store.Tx) error { _, err := tx.Log(big, 0, 20); return err }, "activities_community", "", false},
		{"ClaimReceived", func(tx *store.Tx) error { _, err := tx.ClaimReceived(10, time.Minute); return err }, "received_due", "", false},
		{"NextReceived", func(tx *store.Tx) error { _, err := tx.NextReceived(); return err }, "received_due", "", false},
		{"Parked", func(tx *store.Tx) error { _, err := tx.Parked("council3.example", 100); return err }, "received_host", "few", false},
		{"ClaimMails", func(tx *store.Tx) error { _, err := tx.ClaimMails(10, time.Minute); return err }, "mails_due", "", false},

		{"ActorByURI", func(tx *store.Tx) error { _, err := tx.ActorByURI("x"); return err }, "actors_1", "", false},
		{"ActorByKey", func(tx *store.Tx) error { _, err := tx.ActorByKey("x"); return err }, "actors_key", "", false},
		{"ActorByName", func(tx *store.Tx) error { _, err := tx.ActorByName("x"); return err }, "actors_name", "", false},
		{"ActorAt", func(tx *store.Tx) error { _, err := tx.ActorAt("x", "y", copse.Person); return err }, "actors_host", "", false},
		{"Login", func(tx *store.Tx) error { _, err := tx.Login(ann); return err }, "INTEGER PRIMARY KEY", "", false},
		{"AccountByEmail", func(tx *store.Tx) error { _, err := tx.AccountByEmail("x"); return err }, "accounts_1", "", false},
		{"Session", func(tx *store.Tx) error { _, err := tx.Session("x"); return err }, "sessions_1", "", false},
		{"DropSessions", func(tx *store.Tx) error { return tx.DropSessions(ann) }, "sessions_actor", "", false},
		{"AddToken", func(tx *store.Tx) error { return tx.AddToken(object(0).URI, "reset", ann, now) }, "tokens_actor", "", false},
		{"OpenCase", func(tx *store.Tx) error {
			if _, err := tx.OpenCase(town.Thread, 0); err != nil {
				return err
			}
			_, err := tx.OpenCase(0, ann)
			return err
		}, "cases_object cases_subject", "", false},
		{"Cases", func(tx *store.Tx) error { _, err := tx.Cases(big, ann, 20); return err }, "cases_community reports_case", "", false},
		{"DealtWith", func(tx *store.Tx) error { _, err := tx.DealtWith(big, ann, 20); return err }, "cases_dealt", "", false},
		{"AllCases", func(tx *store.Tx) error { _, err := tx.AllCases(20); return err }, "cases_open", "k", false},
		{"AllDealtWith", func(tx *store.Tx) error { _, err := tx.AllDealtWith(20); return err }, "cases_closed", "", false},
		{"OpenCases", func(tx *store.Tx) error { _, err := tx.OpenCases(big, ann, 20); return err }, "cases_community", "few", false},
		{"OpenCases of all", func(tx *store.Tx) error { _, err := tx.OpenCases(0, ann, 20); return err }, "cases_", "few k", false},
		{"Reported", func(tx *store.Tx) error { _, err := tx.Reported("x"); return err }, "reports_uri", "", true},
		{"ReportsBy", func(tx *store.Tx) error { _, err := tx.ReportsBy(ann, 20); return err }, "reports_reporter", "", false},
		{"Filings", func(tx *store.Tx) error { _, err := tx.Filings(ann, now, 20); return err }, "reports_reporter", "few", false},
		{"FilingsFrom", func(tx *store.Tx) error { _, err := tx.FilingsFrom("x", now, 100); return err }, "reports_host", "few", false},
		{"Administrators", func(tx *store.Tx) error { _, err := tx.Administrators(20); return err }, "accounts_running", "n", false},
		{"UseToken", func(tx *store.Tx) error { _, err := tx.UseToken("x", "reset"); return err }, "tokens_1", "", false},

		{"Unread", func(tx *store.Tx) error { _, err := tx.Unread(ann); return err }, "participants_", "few", false},
		{"UnreadLines", func(tx *store.Tx) error { _, err := tx.UnreadLines(ann, big); return err }, "participants_1 messages_conversation blocks_1", "", false},
		{"Talks", func(tx *store.Tx) error { _, err := tx.Talks(ann, 0, 20); return err }, "participants_newest", "", false},
		{"Talk", func(tx *store.Tx) error { _, err := tx.Talk(ann, big); return err }, "participants_1", "", false},
		{"PeopleIn", func(tx *store.Tx) error { _, err := tx.PeopleIn(big); return err }, "participants_1", "", true},
		{"Lines", func(tx *store.Tx) error { _, err := tx.Lines(ann, big, 0, 20); return err }, "participants_1 messages_conversation blocks_1", "", false},
		{"Line", func(tx *store.Tx) error { _, err := tx.Line(ann, big); return err }, "participants_1", "", false},
		{"LastLine", func(tx *store.Tx) error { _, err := tx.LastLine(ann, big); return err }, "participants_1 messages_conversation", "", false},
		{"MessageByURI", func(tx *store.Tx) error { _, err := tx.MessageByURI("x"); return err }, "messages_1", "", false},
		{"MadeMessage", func(tx *store.Tx) error { _, err := tx.MadeMessage("x"); return err }, "activities_1 messages_1", "", false},
		{"HasMessage", func(tx *store.Tx) error {
			_, err := tx.HasMessage(&copse.Message{ID: 1, Conversation: big}, "x")
			return err
		}, "participants_1", "", false},
		{"MessagesSince", func(tx *store.Tx) error { _, err := tx.MessagesSince(ann, now); return err }, "messages_author", "", false},
		{"Errands", func(tx *store.Tx) error { _, err := tx.Errands(ann, big, 1); return err }, "messages_ outbox_object peer_extra_outbox", "", true},
		{"Converse", func(tx *store.Tx) error {
			a := &copse.Actor{ID: ann, URI: "x"}
			c, err := tx.Converse([]*copse.Actor{a}, nil)
			if err != nil {
				return err
			}
			return tx.AddMessage(&copse.Message{ID: store.NewID(), URI: "x", Conversation: c, Author: ann, Published: now}, nil)
		}, "participants_1", "", false},
		{"Correspondence", func(tx *store.Tx) error {
			from := &copse.Actor{ID: town.People[3], Host: "x"}
			_, err := tx.Correspondence(from, &copse.Actor{ID: ann, Host: "y", Local: true}, big)
			return err
		}, "blocks_1 messages_ memberships_ objects_author", "lately", false},
	}
}

// plans returns how the statements of a hot query run. What it changes is undone.
func plans(t *testing.T, db *store.DB, explain string, q hot) (plan []string) {
	t.Helper()
	undo := errors.New("undo")
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		all, err := tx.Record(q.run)
		if code := copse.CodeOf(err); err != nil && code != copse.CodeNotFound {
			return err
		}
		for _, s := range all {
			steps, err := tx.SQL(explain+s.Query, s.Args...)
			if err != nil {
				return err
			}
			plan = append(plan, steps...)
		}
		return undo
	})
	if err != undo {
		t.Fatalf("%s: %v", q.name, err)
	}
	return plan
}

// With a hundred thousand posts every hot query of SQLite reads along the index
// it is meant to, in its order, whether or not statistics have been collected.
func TestHotQueriesReadAlongTheirIndexes(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t)
	queries := hotQueries(storetest.Fill(t, db, 100_000))
	scan := regexp.MustCompile(`^SCAN (\S+)`)
	for _, statistics := range []bool{false, true} {
		if statistics {
			update(t, db, func(tx *store.Tx) error { _, err := tx.SQL("analyze"); return err })
		}
		for _, q := range queries {
			plan := plans(t, db, "explain query plan ", q)
			all := strings.Join(plan, "\n")
			for _, step := range plan {
				// Looking up a constant is called a scan too, and a group by distinct
				// values is not a sort of rows.
				if m := scan.FindStringSubmatch(step); m != nil && m[1] != "CONSTANT" && !strings.Contains(" "+q.scans+" ", " "+m[1]+" ") {
					t.Errorf("%s, statistics %v, reads all of a table: %s\n%s", q.name, statistics, step, all)
				}
				if strings.Contains(step, "AUTOMATIC") || strings.Contains(step, "TEMP B-TREE") && !q.sorts {
					t.Errorf("%s, statistics %v, has no index for: %s\n%s", q.name, statistics, step, all)
				}
			}
			for _, index := range strings.Fields(strings.ReplaceAll(q.index, "INTEGER PRIMARY KEY", "INTEGER")) {
				if !statistics && !strings.Contains(all, index) {
					t.Errorf("%s does not use %s:\n%s", q.name, index, all)
				}
			}
		}
	}
}

// PostgreSQL chooses by its statistics. With those of a big database it never
// reads all of a table that grows.
func TestHotQueriesReadNoWholeTableOnPostgreSQL(t *testing.T) {
	t.Parallel()
	db := storetest.OpenPostgres(t)
	queries := hotQueries(storetest.Fill(t, db, 4000))
	update(t, db, func(tx *store.Tx) error {
		for _, grow := range []struct {
			table, columns string
			times          int
		}{
			{"actors", "id uri name", 100}, {"memberships", "actor", 10}, {"objects", "id uri root parent", 10},
			{"outbox", "id uri inner_uri object", 10}, {"activities", "id uri hash object", 10}, {"received", "id hash", 10},
		} {
			if err := multiply(tx, grow.table, strings.Fields(grow.columns), grow.times); err != nil {
				return fmt.Errorf("%s: %w", grow.table, err)
			}
		}
		_, err := tx.SQL("analyze")
		return err
	})
	whole := regexp.MustCompile(`Seq Scan on (actors|objects|outbox|activities|received|responses)\b`)
	for _, q := range queries {
		plan := plans(t, db, "explain ", q)
		for _, step := range plan {
			if whole.MatchString(step) {
				t.Errorf("%s reads all of a table: %s\n%s", q.name, strings.TrimSpace(step), strings.Join(plan, "\n"))
			}
		}
	}
}

// multiply adds copies of all rows of a table, which differ in the given columns.
func multiply(tx *store.Tx, table string, differ []string, times int) error {
	columns, err := tx.SQL(`
		select column_name from information_schema.columns
		where table_schema = current_schema() and table_name = $1`, table)
	if err != nil {
		return err
	}
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = `"` + c + `"`
		for _, d := range differ {
			switch {
			case c != d:
			case c == "uri", c == "name", c == "inner_uri", c == "object" && table == "activities":
				values[i] += " || '#' || g"
			case c == "hash":
				values[i] += " # g"
			default:
				values[i] += " - g * 1000000000000" // older
			}
		}
	}
	_, err = tx.SQL(fmt.Sprintf(`insert into %s ("%s") select %s from %s, generate_series(1, %d) g`,
		table, strings.Join(columns, `", "`), strings.Join(values, ", "), table, times))
	return err
}
