package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// rule: no package below From may depend on a package below one of Never,
// directly or not.
type rule struct {
	from  string
	never []string
	why   string
}

var rules = []rule{
	{"bindery/smpp", []string{"github.com/redis", "github.com/prometheus", "bindery/queue", "bindery/dlr", "bindery/config", "bindery/gateway", "bindery/api", "bindery/internal/redisdb"}, "the protocol knows no storage, metrics or settings"},
	{"bindery/smpp/pdu", []string{"net", "bindery/smpp/coding", "bindery/smpp/bindpool", "bindery/smpp/smsctest"}, "the codec has no socket"},
	{"bindery/queue", []string{"bindery/smpp", "bindery/dlr", "bindery/config", "bindery/gateway", "bindery/api"}, "the messages' home knows no carrier protocol"},
	{"bindery/dlr", []string{"bindery/smpp", "bindery/config", "bindery/gateway", "bindery/api"}, "receipts may come by other protocols"},
	{"bindery/config", []string{"bindery/smpp", "bindery/queue", "bindery/dlr", "bindery/gateway", "bindery/api", "bindery/internal"}, "config knows nobody"},
	{"bindery/internal/redisdb", []string{"bindery/queue", "bindery/dlr", "bindery/smpp", "bindery/config", "bindery/gateway", "bindery/api"}, "redisdb knows no key"},
	{"bindery/gateway/dispatch", []string{"bindery/smpp", "bindery/gateway/ingress", "bindery/gateway/smppcarrier", "bindery/config", "bindery/api"}, "dispatch speaks to a Connector"},
	{"bindery/gateway/ingress", []string{"bindery/gateway/dispatch", "bindery/gateway/smppcarrier", "bindery/smpp/bindpool", "bindery/config", "bindery/api"}, "the queue joins ingress and dispatch"},
	{"bindery/gateway/budget", []string{"bindery/smpp", "bindery/queue", "bindery/gateway/ingress", "bindery/gateway/dispatch", "bindery/config"}, "the budget is the carrier's home alone"},
	{"bindery/gateway/smppcarrier", []string{"bindery/gateway/ingress", "bindery/config", "bindery/api", "github.com/prometheus"}, "gateway maps settings"},
	{"bindery/api", []string{"bindery/config", "bindery/gateway/dispatch", "bindery/gateway/smppcarrier", "bindery/smpp/bindpool"}, "api declares the interfaces it needs"},
}

func below(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range list(t) {
		for _, r := range rules {
			if !below(p.ImportPath, r.from) || r.from == "bindery/smpp/pdu" && p.ImportPath != r.from {
				continue
			}
			for _, dep := range p.Deps {
				for _, never := range r.never {
					if below(dep, never) {
						t.Errorf("%s depends on %s: %s", p.ImportPath, dep, r.why)
					}
				}
			}
		}
	}
}

func TestOnlyCommandsImportGateway(t *testing.T) {
	for _, p := range list(t) {
		for _, dep := range p.Imports {
			if dep == "bindery/gateway" && !below(p.ImportPath, "bindery/cmd") {
				t.Errorf("%s imports bindery/gateway: only cmd assembles", p.ImportPath)
			}
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "bindery/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var ps []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	if len(ps) < 10 {
		t.Fatalf("go list found %d packages; the rules are not looking at the house", len(ps))
	}
	return ps
}
