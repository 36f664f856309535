// Package server puts one copse server together from its parts: the database,
// the hub, what peers see and what people see. cmd/copse runs one, the demo
// four in one process, and tests as many as they need.
package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/go-chi/chi/v5"

	"copse/content"
	"copse/copse"
	"copse/federation"
	"copse/hub"
	"copse/internal/config"
	"copse/internal/outbound"
	"copse/store"
	"copse/web"
	"copse/web/mail"
)

// A Server is one whole server, without the sockets it listens on.
type Server struct {
	Config config.Config
	DB     *store.DB
	Hub    *hub.Hub
	Fed    *federation.Server
	Site   *web.Site
	mail   *mail.Worker
	log    *slog.Logger
	pages  http.Handler
}

// Options are what a program decides about a server, not its operator.
type Options struct {
	Version   string
	Transport http.RoundTripper // how it reaches other servers; nil for the network
	Log       *slog.Logger      // nil for slog.Default
}

// New opens the database that c names and builds a server on it. The data
// directory is made if it is missing.
func New(ctx context.Context, c config.Config, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	url := c.Database.URL
	if err := os.MkdirAll(c.Server.Data, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory cannot be made: %w", err)
	}
	if url == "" {
		url = "sqlite:" + filepath.Join(c.Server.Data, "copse.db")
	}
	roots, err := authorities(c.Federation.CAFile)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := claim(ctx, db, c.Server.URL); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := meetListed(ctx, db, c); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	kinds := content.Kinds()
	h := &hub.Hub{DB: db, Kinds: kinds, Base: c.Server.URL}
	fed := &federation.Server{
		DB: db, Hub: h, Kinds: kinds, Mappings: content.Mappings(),
		Client: outbound.New(outbound.Config{
			Private: c.Federation.PrivateNetworks, RootCAs: roots, PlainHTTP: c.IsPlainHTTP(),
			UserAgent: "copse/" + o.Version + " (+" + c.Server.URL + ")", Transport: o.Transport,
		}),
		Base: c.Server.URL, Version: o.Version,
		Mode: copse.Mode(c.Federation.Mode), Allow: c.Federation.Allow, Block: c.Federation.Block,
	}
	worker, err := mail.New(mail.Config{
		DB: db, Bell: &h.Mail, Base: c.Server.URL, From: c.Sender(), SMTP: c.Mail.SMTP,
		Dir: filepath.Join(c.Server.Data, "mail"), Log: o.Log,
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	h.Wire, h.Notify = fed, worker.Notify
	site := &web.Site{
		DB: db, Hub: h, Fed: fed, Base: c.Server.URL, Sections: content.Sections(),
		Mode: copse.Mode(c.Federation.Mode), Allow: c.Federation.Allow, TrustedProxies: c.Server.TrustedProxies, Log: o.Log,
	}
	if _, err := h.Self(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("make the server's own actor: %w", err), db.Close())
	}
	s := &Server{Config: c, DB: db, Hub: h, Fed: fed, Site: site, mail: worker, log: o.Log}
	s.pages = s.routes()
	return s, nil
}

// authorities returns the system's certificate authorities and those in file.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("federation.ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("federation.ca_file: there is no certificate in %s", file)
	}
	return roots, nil
}

// routes sends peers' questions to federation and everything else to the site.
func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	s.Fed.Routes(r)
	pages := s.Fed.Wanted(s.Site.Handler())
	r.NotFound(pages.ServeHTTP)
	r.MethodNotAllowed(pages.ServeHTTP)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.log.Error("panic", "method", req.Method, "path", req.URL.Path, "panic", p, "stack", string(debug.Stack()))
				w.Header().Set("Retry-After", "30")
				http.Error(w, "Something went wrong at our end.", http.StatusServiceUnavailable)
			}
		}()
		r.ServeHTTP(w, req)
	})
}

// ServeHTTP answers one request, of a person or a peer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.pages.ServeHTTP(w, r) }

// Run does what does not belong to a request until ctx ends: deliveries, parked
// activities, mail.
func (s *Server) Run(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { s.Fed.Run(ctx) })
	work.Go(func() { s.mail.Run(ctx) })
	work.Go(func() { s.tidy(ctx) })
	work.Wait()
}

// Close closes the database. Run must have returned.
func (s *Server) Close() error { return s.DB.Close() }
