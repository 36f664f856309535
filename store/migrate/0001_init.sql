-- One text for SQLite and PostgreSQL. Ids are minted in Go, times are
-- microseconds since 1970, and nothing inside extra is ever queried: what a
-- query needs is a column. "Not there" is null, never a sentinel, because
-- SQLite's planner, without statistics, takes the index a sentinel spoils.
-- Long texts come last in a row: SQLite reads past whatever stands before a
-- column.

create table actors (
	id           bigint primary key,
	type         text    not null,
	uri          text    not null unique,
	name         text    not null,
	host         text    not null,
	title        text    not null,
	summary      text    not null default '',
	source       text    not null default '',
	job_title    text    not null default '',
	vouched      boolean not null default false,
	gone         bigint,
	url          text    not null default '',
	inbox        text    not null,
	shared_inbox text    not null default '',
	key_id       text    not null default '',
	public_key   text    not null default '',
	multikeys    text    not null default '', -- a line each: its id and the key
	local        boolean not null,
	created      bigint  not null,
	fetched      bigint,
	also         text    not null default '', -- who they say they were elsewhere: URIs, a space between them
	moved_to     text    not null default '', -- who they say they are now: a URI
	moved        bigint                       -- when that was last found to be so
);
-- One namespace for people and communities (Mastodon and GoToSocial keep
-- one actor per name and host). Remote servers may break
-- it, so the promise is only kept for ours.
create unique index actors_name on actors (name) where local;
create index actors_host on actors (host, name, id);
create index actors_key  on actors (key_id, id);

create table communities (
	actor    bigint primary key references actors (id),
	"join"   text    not null,
	audience text    not null,
	posting  integer not null,
	members  integer not null default 0,
	councils integer not null default 0,
	active   bigint  not null,
	welcome  text    not null default '',
	words    text    not null, -- what a search finds it by, in lower case
	sharing  text    not null default 'all',
	named    text    not null default '', -- hosts, a space between them
	featured text    not null default '',
	moving   text    not null default ''
);
create index communities_moving on communities (moving, actor) where moving = 'waiting';
create index communities_active on communities (active, actor);

create table memberships (
	community bigint  not null references actors (id),
	actor     bigint  not null references actors (id),
	role      integer not null,
	state     text    not null,
	reason    text    not null default '',
	follow    text    not null default '',
	since     bigint  not null,
	until     bigint,
	was       integer not null default 0, -- their role under the address they moved from
	primary key (community, actor)
);
create index memberships_blocked on memberships (community, since, actor) where state = 'blocked';
create index memberships_actor   on memberships (actor, role, community);
create index memberships_pending on memberships (community, since, actor) where state = 'pending';
create index memberships_role    on memberships (community, role, actor);

create table objects (
	id          bigint primary key,
	uri         text    not null unique,
	kind        text    not null,
	community   bigint  not null references actors (id),
	author      bigint  not null references actors (id),
	root        bigint  references objects (id),
	parent      bigint  references objects (id),
	audience    text    not null,
	question    boolean not null default false,
	answer      bigint,
	replies     integer not null default 0,
	councils    integer not null default 0,
	likes       integer not null default 0,
	starts      bigint,
	ends        bigint,
	local       boolean not null,
	published   bigint  not null,
	edited      bigint,
	changed     bigint,
	accepted    bigint,
	active      bigint  not null,
	deleted     bigint,
	removed     boolean not null default false,
	path        text    not null default '',
	language    text    not null default '',
	url         text    not null default '',
	conversation text   not null default '',
	title       text    not null,
	source      text    not null,
	html        text    not null,
	extra       text    not null default ''
);
-- Rows are never deleted from here, so parent and answer need no index. Columns
-- that a condition settles stand in some indexes all the same: only so does
-- SQLite answer from the index alone, and what is counted or merged is spread
-- over the whole table.
create index objects_newest  on objects (community, kind, id)         where root is null and deleted is null;
create index objects_active  on objects (community, kind, active, id) where root is null and deleted is null;
create index objects_home    on objects (community, active, id, root, deleted)       where root is null and deleted is null;
create index objects_open    on objects (community, id, audience, root, deleted, question, answer)
	where root is null and deleted is null and question and answer is null;
create index objects_thread  on objects (root, path)              where root is not null;
create index objects_replies on objects (root, author, published, deleted) where root is not null and deleted is null;
create index objects_author  on objects (author, id)              where deleted is null;
create index objects_waiting on objects (community, id)           where accepted is null and deleted is null;
create index objects_starts  on objects (community, starts)       where starts is not null;

create table revisions (
	object bigint not null references objects (id),
	at     bigint not null,
	title  text   not null,
	source text   not null,
	html   text   not null,
	primary key (object, at)
);

-- What people answered with something other than words: marks of "helpful",
-- and later votes and replies to invitations. vouched is the peer on whose word
-- alone it is counted, if nobody has proved that they did.
create table responses (
	object bigint not null references objects (id),
	actor  bigint not null references actors (id),
	type   text   not null,
	uri    text   not null,
	at     bigint not null,
	vouched bigint,
	primary key (object, type, actor)
);
create index responses_actor on responses (actor, at);
create index responses_vouched on responses (vouched, object) where vouched is not null;

-- Every activity that took effect, once. This is the audit log and the memory
-- that makes a repeat harmless. hash is the first eight bytes of the URI's
-- SHA-256: an index on whole URIs in random order would outgrow the rows.
create table activities (
	id        bigint primary key,
	hash      bigint  not null unique,
	uri       text    not null,
	type      text    not null,
	actor     bigint  not null,
	object    text    not null default '',
	community bigint,
	via       bigint,
	reason    text    not null default '',
	local     boolean not null
);
create index activities_community on activities (community, id) where community is not null;
create index activities_deleted   on activities (object)        where type = 'Delete';

-- What came in and waits: for a key, a parent or an author to be fetched.
create table received (
	id        bigint primary key,
	hash      bigint  not null unique,
	host      text    not null,
	signature text    not null default '',
	signer    text    not null default '',
	tries     integer not null default 0,
	due       bigint,
	reason    text    not null default '',
	body      bytea   not null
);
create index received_due  on received (due) where due is not null;
create index received_host on received (host, id);

-- How far the logs of communities elsewhere have been read, and when to read on.
create table pulls (
	community bigint primary key references actors (id),
	place     text   not null, -- an address
	due       bigint not null
);
create index pulls_due on pulls (due);

-- What goes out, each activity once. There is no row per recipient: a peer has
-- a cursor into this log.
create table outbox (
	id        bigint primary key,
	uri       text   not null unique,
	type      text   not null,
	inner_uri text   not null default '',
	community bigint references actors (id),
	microblog boolean not null default false, -- for peers that show people's posts, instead of the rest
	thread    bigint,
	object    bigint,
	signer    bigint not null references actors (id),
	digest    bytea  not null,
	body      bytea  not null
);
create index outbox_announced on outbox (id, community, microblog) where community is not null;
create index outbox_community on outbox (community, id) where community is not null;
create index outbox_inner     on outbox (inner_uri)      where inner_uri <> '';
create index outbox_object    on outbox (object, id)    where object is not null;

create table peers (
	id         bigint primary key,
	host       text    not null unique,
	title      text    not null default '',
	software   text    not null default '',
	version    text    not null default '',
	policy     text    not null default '',
	inbox      text    not null default '',
	rfc9421    boolean not null default false,
	ed25519    boolean not null default false,
	refused    bigint,
	profile    text    not null default '',
	state      text    not null default 'ok',
	fails      integer not null default 0,
	fail_days  integer not null default 0,
	not_until  bigint,
	error      text    not null default '',
	last_ok    bigint,
	last_seen  bigint,
	looked     bigint,
	cursor     bigint  not null,
	paused     bigint,
	agreed     bigint,
	note       text    not null default ''
);
create index peers_due on peers (not_until) where not_until is not null;

-- Which peers have members in which communities of ours, since which point of
-- the outbox. microblog follows from the peer's profile and stands here so that
-- neither posting nor waking reads all of a community's peers.
create table peer_communities (
	peer      bigint not null references peers (id),
	community bigint not null references actors (id),
	since     bigint not null,
	microblog boolean not null default false,
	primary key (peer, community)
);
create index peer_communities_community on peer_communities (community, microblog, peer);

-- What is addressed to one peer alone, and what a peer's lane stepped over. A
-- row goes when the peer has taken it.
create table peer_extra (
	peer      bigint  not null references peers (id),
	outbox    bigint  not null references outbox (id),
	inbox     text    not null default '',
	tries     integer not null default 0,
	not_until bigint,
	error     text    not null default '',
	stopped   bigint,
	primary key (peer, outbox)
);
create index peer_extra_peer   on peer_extra (peer, outbox) where stopped is null;
create index peer_extra_outbox on peer_extra (outbox);
create index peer_extra_due    on peer_extra (not_until) where not_until is not null and stopped is null;

-- What administrators decided about other servers, when (the id says) and who: null
-- is whoever may type commands on the machine. Without a peer it is about all.
create table decisions (
	id    bigint primary key,
	peer  bigint references peers (id),
	actor bigint references actors (id),
	what  text   not null
);
create index decisions_peer on decisions (peer, id);

-- The order of the outbox: whoever appends holds this row until the commit, so
-- that positions become visible in order on PostgreSQL too.
create table logs (
	name text   primary key,
	last bigint not null
);
insert into logs (name, last) values ('outbox', 0);

create table keys (
	actor   bigint not null references actors (id),
	type    text   not null,
	private text   not null,
	created bigint not null,
	primary key (actor, type)
);

create table accounts (
	actor     bigint primary key references actors (id),
	email     text    not null unique,
	password  text    not null,
	role      text    not null,
	language  text    not null default '',
	reach     text    not null default '', -- from whom they take messages
	created   bigint  not null,
	confirmed bigint,
	approved  bigint,
	seen      bigint
);
create index accounts_running on accounts (actor) where role in ('admin', 'owner');

create table sessions (
	token   text   primary key,
	actor   bigint references accounts (actor),
	content bytea  not null,
	expires bigint not null
);
create index sessions_expires on sessions (expires);
create index sessions_actor   on sessions (actor) where actor is not null;

-- Links that work once: to confirm an address, to choose a new password, to set
-- the server up. Only a hash is kept.
create table tokens (
	hash    text   primary key,
	purpose text   not null,
	actor   bigint references actors (id),
	expires bigint not null,
	used    bigint
);
create index tokens_actor on tokens (actor, purpose);

create table mails (
	id        bigint primary key,
	recipient text    not null,
	subject   text    not null,
	body      text    not null,
	due       bigint,
	tries     integer not null default 0,
	sent      bigint,
	error     text    not null default ''
);
create index mails_due on mails (due) where due is not null;

create table settings (
	name  text primary key,
	value text not null
);

-- What facilitators removed, so that it can be put back for a while.
create table withheld (
	object bigint primary key references objects (id),
	at     bigint not null,
	url    text   not null,
	title  text   not null,
	source text   not null,
	html   text   not null,
	extra  text   not null
);
create index withheld_at on withheld (at);

-- Conversations that take no replies.
create table locks (
	object   bigint primary key references objects (id),
	at       bigint not null,
	activity text   not null,
	reason   text   not null
);

-- Conversations that stand first in their community.
create table pins (
	object    bigint primary key references objects (id),
	community bigint not null references actors (id),
	at        bigint not null
);
create index pins_community on pins (community, at, object);

-- What is said elsewhere that may show something said here. stamp is the address at
-- which that is confirmed.
create table quotes (
	stamp  text   primary key,
	object bigint not null references objects (id),
	actor  bigint not null references actors (id),
	quote  text   not null -- an address
);
create index quotes_object on quotes (object, stamp);

-- The communities, by their URIs, that people here were in at the council they came
-- from, as far as it said, until they have joined them here or said no.
create table offers (
	person bigint not null references actors (id),
	uri    text   not null,
	primary key (person, uri)
);

-- How far the lists of what was said in conversations elsewhere have been read.
create table readings (
	object bigint primary key references objects (id),
	place  text   not null, -- an address; '' for one that has no list
	tag    text   not null
);

-- What facilitators here have asked the home of a community elsewhere to do, about
-- an object, a person or the community itself, until it has said that it did.
create table proposals (
	community bigint  not null references actors (id),
	about     bigint  not null,
	ruling    text    not null,
	back      boolean not null, -- to take back what that was
	actor     bigint  not null references actors (id),
	outbox    bigint  not null,
	primary key (community, about, ruling)
);

-- Who writes to each other. There is one for each set of people, whose URIs the key
-- is made of: of some people elsewhere no more is known, and others lists those.
create table conversations (
	id     bigint primary key,
	people text   not null unique,
	others text   not null default ''
);

-- Messages stand apart from objects, so that nothing that lists objects can come
-- upon them. Ids are in the order they came here.
create table messages (
	id           bigint primary key,
	uri          text    not null unique,
	conversation bigint  not null references conversations (id),
	author       bigint  not null references actors (id),
	parent       bigint,
	local        boolean not null,
	published    bigint  not null,
	edited       bigint,
	changed      bigint,
	deleted      bigint,
	language     text    not null default '',
	source       text    not null,
	html         text    not null
);
create index messages_conversation on messages (conversation, id);
create index messages_author       on messages (author, id);

-- How a conversation stands to each person in it. What came before since is not
-- theirs, nor is anything while that is null; newest is the last that came to them,
-- seen the last they have read.
create table participants (
	conversation bigint not null references conversations (id),
	actor        bigint not null references actors (id),
	since        bigint,
	newest       bigint,
	seen         bigint not null default 0,
	muted        bigint,
	primary key (conversation, actor)
);
create index participants_newest on participants (actor, newest) where newest is not null;
create index participants_unread on participants (actor) where newest > seen and muted is null;

-- Whose messages somebody does not want. since is an id: what came before stays.
create table blocks (
	actor   bigint not null references actors (id),
	subject bigint not null references actors (id),
	since   bigint not null,
	primary key (actor, subject)
);

-- What was reported, a row each time that somebody has dealt with it or has yet to.
-- Without a community it is a person, and for administrators.
create table cases (
	id        bigint primary key,
	community bigint references actors (id),
	object    bigint references objects (id),
	subject   bigint not null references actors (id),
	closed    bigint,
	closed_by bigint references actors (id),
	outcome   text   not null default '',
	words     text   not null default ''
);
create unique index cases_object  on cases (object)  where closed is null and object is not null;
create unique index cases_subject on cases (subject) where closed is null and object is null;
create index cases_community on cases (community, id)     where closed is null;
create index cases_dealt     on cases (community, closed) where closed is not null;
create index cases_open      on cases (id)                where closed is null;
create index cases_closed    on cases (closed)            where closed is not null;

-- That somebody reported it.
create table reports (
	id       bigint primary key,
	"case"   bigint not null references cases (id),
	uri      text   not null,
	reporter bigint not null references actors (id),
	host     text   not null, -- that it came from
	at       bigint not null,
	category text   not null,
	reason   text   not null
);
create index reports_case     on reports ("case", id);
create index reports_uri      on reports (uri);
create index reports_reporter on reports (reporter, at, id);
create index reports_host     on reports (host, at);
