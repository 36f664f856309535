// Package attack sends the program what somebody who means harm would send, and
// sees that it does no harm. It has nothing but tests: each is named after a case of
// the list of attacks, and docs/attacks.md says which are shown here, which are shown
// elsewhere, and which are about things that copse does not have.
//
// What is attacked is the program as it is released, in a process of its own, which
// is told nothing that an operator could not tell it. The tests run in a network
// namespace of their own, where every address there is belongs to them: 8.8.8.8 is as
// much theirs as 10.0.0.1, a question for a name is answered by them, and nothing can
// leave. So they see every packet by which the program begins to talk to anybody, and
// "nobody was asked" means just that.
//
// Everything is played twice, with the exchange open to everybody and with an
// allow-list, on which evil.test is not: there whatever it sends is refused, and it is
// neither looked up nor asked.
//
// No effect means the status that is expected, the same rows in the database (all but
// what is remembered of who strangers are and of when they were last heard), no
// request to anybody, and no letter.
package attack
