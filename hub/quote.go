package hub

import (
	"copse/copse"
	"copse/store"
)

// quote answers somebody elsewhere who wants to show something said here in what
// they write, act.Quote (FEP-044f). It is its author who answers, at once: what the
// rules allow needs nobody's decision.
func (h *Hub) quote(tx *store.Tx, act *copse.Activity) error {
	o, err := tx.ObjectByURI(act.Object.URI)
	if err != nil {
		return err
	}
	if !o.Local || act.Actor.Local || act.Quote == "" {
		return copse.Invalid("", "this server does not understand %q", act.Type)
	}
	if act.Community, err = tx.Community(o.Community); err != nil {
		return err
	}
	facts, err := tx.Facts(act.Actor.ID, act.Community, o)
	if err == nil && act.Community.Local {
		err = copse.MayShare(act.Community, act.Actor.Host)
	}
	if err == nil {
		err = copse.MaySee(facts, o.Audience)
	}
	if err != nil {
		return err
	}
	act.Object = o
	answer := h.mint("Accept", nil)
	if answer.Actor, err = tx.Actor(o.Author); err != nil {
		return err
	}
	answer.Inner = act
	others, err := h.othersQuoting(tx, act)
	if err != nil {
		return err
	}
	if no := copse.MayQuote(facts, o.Audience, others); no != nil {
		answer.Type, answer.Reason = "Reject", no.Error()
	} else if err := tx.AddQuote(store.Quote{Object: o.ID, Actor: act.Actor.ID, URI: act.Quote}, o.URI); err != nil {
		return err
	}
	return h.send(tx, answer, act.Actor)
}

// othersQuoting counts what else shows the object of act.
func (h *Hub) othersQuoting(tx *store.Tx, act *copse.Activity) (int, error) {
	again, err := tx.Quoted(copse.QuoteURI(act.Object.URI, act.Quote))
	if err != nil || again {
		return 0, err
	}
	all, err := tx.Quotes(act.Object.ID, copse.MaxQuotes)
	return len(all), err
}

// bury deletes an object, and tells whoever shows it elsewhere that they may not any
// more: its author takes back that they could.
func (h *Hub) bury(tx *store.Tx, o *copse.Object, removed bool) error {
	if err := tx.DeleteObject(o, removed); err != nil || !o.Local {
		return err
	}
	all, err := tx.Quotes(o.ID, copse.MaxQuotes)
	if err != nil || len(all) == 0 {
		return err
	}
	act := h.mint("Delete", nil)
	if act.Actor, err = tx.Actor(o.Author); err != nil {
		return err
	}
	if act.Community, err = tx.Community(o.Community); err != nil {
		return err
	}
	for _, q := range all {
		asked, err := tx.Actor(q.Actor)
		if err != nil {
			return err
		}
		revoked := *act
		revoked.URI = h.mint("Delete", act.Actor).URI
		revoked.Object = &copse.Object{URI: copse.QuoteURI(o.URI, q.URI), Audience: o.Audience}
		if err := h.send(tx, &revoked, asked); err != nil {
			return err
		}
	}
	return nil
}
