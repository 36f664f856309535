package zzexp

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"copse/store"
)

func TestWAL(t *testing.T) {
	p := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(t.Context(), "sqlite:"+p)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var wg sync.WaitGroup
	end := time.Now().Add(12 * time.Second)
	body := make([]byte, 4000)
	for w := range 16 {
		wg.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				if err := db.Update(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Park(fmt.Sprint(w, i), &store.Received{Host: "a", Body: body})
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for time.Now().Before(end) {
			time.Sleep(time.Second)
			st, _ := os.Stat(p + "-wal")
			d, _ := os.Stat(p)
			fmt.Println("wal MB", st.Size()>>20, "db MB", d.Size()>>20)
		}
	})
	wg.Wait()
}
