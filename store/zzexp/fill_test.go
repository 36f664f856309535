package zzexp
import ("testing";"time";"os";"strconv";"copse/store/storetest";"copse/store")
func TestFill(t *testing.T){
	n:=100000
	if v:=os.Getenv("N"); v!="" { n,_=strconv.Atoi(v) }
	var db *store.DB
	if os.Getenv("PG")!="" { db=storetest.OpenPostgres(t) } else { db=storetest.Open(t) }
	s:=time.Now()
	storetest.Fill(t,db,n)
	t.Log(n, time.Since(s))
}
