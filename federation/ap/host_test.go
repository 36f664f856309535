package ap

import (
	"strings"
	"testing"
)

func TestHostHasOneForm(t *testing.T) {
	for _, tt := range []struct{ id, want string }{
		{"https://bad.test/u/a", "bad.test"},
		{"https://BAD.TEST/u/a", "bad.test"},
		{"HTTPS://bad.test", "bad.test"},
		{"https://bad.test./u/a", "bad.test"},
		{"https://bad.test:443/u/a", "bad.test"},
		{"https://bad.test:0443/u/a", "bad.test"},
		{"https://bad.test:/u/a", "bad.test"},
		{"http://bad.test:80/u/a", "bad.test"},
		{"https://bad.test:80/u/a", "bad.test:80"},
		{"http://localhost:8080/u/a", "localhost:8080"},
		{"https://bad.test#frag", "bad.test"},
		{"https://bad.test?q=1", "bad.test"},
		{"https://bad.test/\u00e9 #x", "bad.test"},
		{"https://ｂａｄ.test/", "bad.test"},
		{"https://bad。test/", "bad.test"},
		{"https://bad%E3%80%82test/", "bad.test"},
		{"https://bücher.example/", "xn--bcher-kva.example"},
		{"https://BÜCHER.example/", "xn--bcher-kva.example"},
		{"https://XN--BCHER-KVA.example/", "xn--bcher-kva.example"},
		{"https://b%C3%BCcher.example/", "xn--bcher-kva.example"},
		{"https://my_server.example/", "my_server.example"},
		{"https://127.0.0.1:8080/", "127.0.0.1:8080"},
		{"https://[::1]:8080/", "[::1]:8080"},
		{"https://[0:0:0:0:0:0:0:1]/", "[::1]"},
		{"https://[2001:DB8::A]/", "[2001:db8::a]"},
	} {
		got, ok := Host(tt.id)
		if !ok || got != tt.want {
			t.Errorf("Host(%q) = %q, %v, want %q", tt.id, got, ok, tt.want)
		}
	}
}

func TestHostRefusesWhatIsUnclear(t *testing.T) {
	for _, id := range []string{
		"", "bad.test", "//bad.test/", "/u/a", "https:", "https://", "https:///u/a", "https:bad.test", "https:/bad.test",
		"ftp://bad.test/", "javascript:alert(1)", "did:key:z6Mk", "acct:a@bad.test", "mailto:a@bad.test", "file:///etc",
		"https://a@bad.test/", "https://a:b@bad.test/", "https://@bad.test/", "https://good.test@bad.test/",
		"https://good.test\\@bad.test/", "https://good.test\\.bad.test/", "https:\\\\bad.test\\", " https://bad.test/", "https://bad.test\n/",
		"https://bad%2etest/", "https://bad%BD.test/", "https://bad test/", "https://bad..test/", "https://.bad.test/", "https://bad.test../", "https://./",
		"https://bad.test:0/", "https://bad.test:65536/", "https://bad.test:x/", "https://bad.test:-1/", "https://bad.test:80:80/",
		"https://2130706433/", "https://127.1/", "https://0x7f.0.0.1/", "https://0x7f000001/", "https://0177.0.0.1/", "https://1.2.3.4.5/",
		"https://a.0x/", "https://256.1.1.1/", "https://[::1/", "https://::1/", "https://[fe80::1%25eth0]/", "https://[127.0.0.1]/",
		"https://[bad.test]/", "https://xn--/", "https://xn--bad-.test/", "https://xn--zzzzzzzz99999.test/", "https://-bad.test/", "https://bad-.test/",
		"https://bad!.test/", "https://bad,test/", "https://bad*.test/", "https://<bad>.test/", "https://bad.test\x00/",
		"https://bad\u200d.test/", "https://\u202ebad.test/",
	} {
		if got, ok := Host(id); ok {
			t.Errorf("Host(%q) = %q, want it refused", id, got)
		}
	}
}

func TestSameHost(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://a.example/u/x", "https://A.example.:443/post/1#f", true},
		{"https://a.example/", "https://b.example/", false},
		{"https://a.example/", "https://sub.a.example/", false},
		{"https://a.example/", "https://a.example:8443/", false},
		{"https://a.example/", "https://a.example@b.example/", false},
		{"", "", false},
		{"x", "x", false},
	} {
		if got := SameHost(tt.a, tt.b); got != tt.want {
			t.Errorf("SameHost(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

// The form that Host returns is the last: it does not change again.
func FuzzHost(f *testing.F) {
	for _, id := range []string{"https://BÜCHER.example:444/", "http://[::1%25a]:80", "https://ｂａｄ。test/", "https://0x7f.1/", "https://xn--bcher-kva.example"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		host, ok := Host(id)
		if !ok {
			return
		}
		scheme := "https://"
		if strings.HasPrefix(strings.ToLower(id), "http:") {
			scheme = "http://"
		}
		if again, ok := Host(scheme + host + "/"); !ok || again != host {
			t.Errorf("Host(%q) = %q, and of that it is %q, %v", id, host, again, ok)
		}
		for _, ch := range []byte(host) {
			if ch <= ' ' || ch >= 0x7f || 'A' <= ch && ch <= 'Z' || ch == '@' || ch == '/' || ch == '\\' || ch == '%' {
				t.Errorf("Host(%q) = %q", id, host)
			}
		}
	})
}
