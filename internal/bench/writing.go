package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"copse/copse"
	"copse/store"
)

// scribbling has so many writers record activities in a database until stop is
// called, which returns how long each took, in milliseconds, and for how long
// they went on, in seconds.
func scribbling(ctx context.Context, t *town, writers int) (stop func() (waits []float64, lasted float64, err error)) {
	var (
		all    sync.WaitGroup
		over   atomic.Bool
		next   atomic.Int64
		mu     sync.Mutex // guards waits and failed
		waits  []float64
		failed error
		run    = store.NewID()
	)
	by := &copse.Actor{ID: t.People[0]}
	start := time.Now()
	for range writers {
		all.Go(func() {
			var mine []float64
			for !over.Load() {
				act := &copse.Activity{
					URI: fmt.Sprintf("https://here.example/activities/like/%d-%d", run, next.Add(1)), Type: "Like", Actor: by,
					Object: &copse.Object{URI: "https://here.example/post/1"}, Community: &copse.Community{Actor: copse.Actor{ID: t.Communities[0]}},
				}
				before := time.Now()
				err := t.DB.Update(ctx, func(tx *store.Tx) error { _, err := tx.RecordActivity(act); return err })
				mine = append(mine, float64(time.Since(before))/1e6)
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, mine...)
		})
	}
	return func() ([]float64, float64, error) {
		over.Store(true)
		all.Wait()
		return waits, time.Since(start).Seconds(), failed
	}
}

// readersBesideWriter measures what a writer at full speed does to a reader.
func readersBesideWriter(ctx context.Context, b *bench) error {
	r, err := b.reads(ctx)
	if err != nil {
		return err
	}
	read := func() error { return r.once(ctx, r.home(r.People[1])) }
	var ratios []float64
	for range rounds {
		quiet, err := waiting(400*time.Millisecond, read)
		if err != nil {
			return err
		}
		stop := scribbling(ctx, r.town, 16)
		beside, err := waiting(400*time.Millisecond, read)
		if _, _, err := stop(); err != nil {
			return err
		}
		if err != nil {
			return err
		}
		b.detail("%s ms, %s beside the writer", number(median(quiet)), number(median(beside)))
		ratios = append(ratios, median(beside)/median(quiet))
	}
	b.result(bar{n: 19, name: "p50 of the wait for home beside a busy writer", unit: "quiet", must: 3.2}, median(ratios))
	return nil
}

// writers measures 64 who write at a time, and 16 who each have a connection of
// their own, as a program without one writer would.
func writers(ctx context.Context, b *bench) error {
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	stop := scribbling(ctx, t, 64)
	time.Sleep(2 * time.Second)
	waits, lasted, err := stop()
	if err != nil {
		return err
	}
	rate := float64(len(waits)) / lasted
	each, err := b.independent(ctx)
	if err != nil {
		return err
	}
	b.detail("%s a second, %s by 16 independent writers", number(rate), number(each))
	b.result(bar{n: 20, name: "64 writers: p99 of the wait", unit: "ms", must: 50}, percentile(waits, 99))
	b.result(bar{n: 20, name: "64 writers: how much they write", unit: "16 alone", must: 4.5, atLeast: true}, rate/each)
	return nil
}

// independent returns how many rows 16 connections insert in a second.
func (b *bench) independent(ctx context.Context) (float64, error) {
	db, err := openBare(filepath.Join(b.towns.dir, "independent.db"), "full")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	body := strings.Repeat("x", 1000)
	const lasts = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	var written atomic.Int64
	err = inParallel(16, 16, func(w int) error {
		conn, err := db.Conn(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		defer conn.Close()
		insert, err := conn.PrepareContext(context.WithoutCancel(ctx), insertBare)
		if err != nil {
			return err
		}
		defer insert.Close()
		for n := 0; ctx.Err() == nil; n++ {
			id := n*16 + w
			if _, err := insert.ExecContext(context.WithoutCancel(ctx), id, fmt.Sprintf("https://here.example/post/%d", id*7919%1000003), id, body); err != nil {
				return err
			}
			written.Add(1)
		}
		return nil
	})
	return float64(written.Load()) / lasts.Seconds(), err
}
