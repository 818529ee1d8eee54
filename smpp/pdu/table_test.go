package pdu

import (
	"encoding/binary"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// source is the package's own code, tests left out.
func source(t *testing.T) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// constants are the names of all exported constants declared with the type.
func constants(files []*ast.File, typeName string) []string {
	var names []string
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && isIdent(spec.Type, typeName) && spec.Names[0].IsExported() {
				names = append(names, spec.Names[0].Name)
			}
			return true
		})
	}
	return names
}

// rows are the constants that the rows of a table begin with.
func rows(files []*ast.File, table string) []string {
	var names []string
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Names[0].Name != table {
				return true
			}
			for _, row := range spec.Values[0].(*ast.CompositeLit).Elts {
				names = append(names, row.(*ast.CompositeLit).Elts[0].(*ast.Ident).Name)
			}
			return false
		})
	}
	return names
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// squash drops what differs between the spec's way of writing and Go's.
func squash(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

func TestTablesAgainstConstants(t *testing.T) {
	files := source(t)
	tests := []struct {
		typeName, table, constPrefix, specPrefix string
		names                                    []string
		values                                   []uint32
	}{
		{typeName: "CommandID", table: "commandTable", constPrefix: "Command"},
		{typeName: "CommandStatus", table: "statusTable", constPrefix: "Status", specPrefix: "ESME_R"},
		{typeName: "Tag", table: "tagTable", constPrefix: "Tag"},
	}
	for _, r := range commandTable {
		tests[0].names, tests[0].values = append(tests[0].names, r.Name), append(tests[0].values, uint32(r.ID))
	}
	for _, r := range statusTable {
		tests[1].names, tests[1].values = append(tests[1].names, r.Name), append(tests[1].values, uint32(r.Value))
	}
	for _, r := range tagTable {
		tests[2].names, tests[2].values = append(tests[2].names, r.Name), append(tests[2].values, uint32(r.Tag))
	}
	for _, tt := range tests {
		t.Run(tt.typeName, func(t *testing.T) {
			declared, listed := constants(files, tt.typeName), rows(files, tt.table)
			if len(declared) == 0 || len(listed) != len(tt.names) {
				t.Fatalf("%d constants, %d rows parsed, %d rows", len(declared), len(listed), len(tt.names))
			}
			if !slices.IsSorted(tt.values) || len(slices.Compact(slices.Clone(tt.values))) != len(tt.values) {
				t.Error("rows are not in strictly ascending order")
			}
			for i, name := range listed {
				if want := squash(strings.TrimPrefix(tt.names[i], tt.specPrefix)); squash(strings.TrimPrefix(name, tt.constPrefix)) != want && name != "StatusOK" {
					t.Errorf("row %s is named %s", name, tt.names[i])
				}
			}
			slices.Sort(declared)
			slices.Sort(listed)
			if !slices.Equal(declared, listed) {
				t.Errorf("constants and rows differ:\n%v\n%v", declared, listed)
			}
		})
	}
}

// Every struct of the code with AppendTo is in the command table, New and
// Decoder agree on it, and Unknown takes the rest.
func TestCommandTableAgainstStructs(t *testing.T) {
	made := map[string]bool{"*pdu.Unknown": true}
	for _, row := range commandTable {
		p := New(row.ID)
		if p.Head().ID != row.ID {
			t.Errorf("New(%s) has the id %s", row.Name, p.Head().ID)
		}
		name := reflect.TypeOf(p).String()
		if _, unknown := p.(*Unknown); unknown {
			t.Errorf("New(%s) is a %s", row.Name, name)
		}
		made[name] = true
		frame := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 16}, uint32(row.ID))
		frame = append(frame, make([]byte, 8)...)
		var d Decoder
		if q, _ := d.Decode(frame); reflect.TypeOf(q) != reflect.TypeOf(p) {
			t.Errorf("Decoder gives a %T for %s, New a %T", q, row.Name, p)
		}
		if row.ID.String() != row.Name {
			t.Errorf("%s is called %s", row.Name, row.ID)
		}
	}
	for _, f := range source(t) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != "AppendTo" {
				continue
			}
			name := "*pdu." + fn.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
			if !made[name] {
				t.Errorf("%s is in no row of commandTable", name)
			}
		}
	}
}

func TestCommandResponses(t *testing.T) {
	for _, row := range commandTable {
		if row.ID.IsResponse() {
			continue
		}
		resp := row.ID.Response()
		if !resp.IsResponse() {
			t.Errorf("%s is no response", resp)
		}
		known := strings.HasSuffix(resp.String(), "_resp")
		if oneWay := row.ID == CommandOutbind || row.ID == CommandAlertNotification; known == oneWay {
			t.Errorf("the response of %s is %s", row.Name, resp)
		}
	}
	if !CommandGenericNack.IsResponse() {
		t.Error("generic_nack is a request")
	}
}

// The sorting of statuses, value by value over the whole range in use.
func TestStatusClasses(t *testing.T) {
	want := map[CommandStatus]Class{}
	set := func(c Class, values ...CommandStatus) {
		for _, v := range values {
			want[v] = c
		}
	}
	set(ClassOK, 0x00)
	set(ClassPermanent, 0x01, 0x02, 0x03, 0x06, 0x07, 0x0A, 0x0B, 0x15, 0x33, 0x34, 0x40, 0x42, 0x43, 0x44,
		0x48, 0x49, 0x50, 0x51, 0x53, 0x54, 0x55, 0x61, 0x62, 0x63, 0x65, 0x66, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4)
	set(ClassTemporary, 0x08, 0x14, 0x45, 0x64, 0xFE, 0xFF)
	set(ClassThrottled, 0x58)
	set(ClassSession, 0x04, 0x05)
	set(ClassAuth, 0x0D, 0x0E, 0x0F)
	for v := CommandStatus(0x400); v <= 0x4FF; v++ {
		want[v] = ClassVendor
	}
	for _, v := range append(statusRange(0, 0x600), 0x80000000, 0xFFFFFFFF) {
		if v.Class() != want[v] {
			t.Errorf("%s is %s, want %s", v, v.Class(), want[v])
		}
		if v.Action() == "" {
			t.Errorf("%s: nobody says what to do", v)
		}
	}
}

func statusRange(first, last CommandStatus) (values []CommandStatus) {
	for v := first; v <= last; v++ {
		values = append(values, v)
	}
	return values
}

func TestNames(t *testing.T) {
	tests := []struct{ got, want string }{
		{StatusThrottled.String(), "ESME_RTHROTTLED (0x58)"},
		{StatusOK.String(), "ESME_ROK (0x00)"},
		{CommandStatus(0x410).String(), "vendor status (0x410)"},
		{CommandStatus(0x99).String(), "unknown status (0x99)"},
		{CommandStatus(0x99).Name(), ""},
		{CommandSubmitSM.String(), "submit_sm"},
		{CommandID(0x00010203).String(), "command 0x00010203"},
		{TagMessagePayload.String(), "message_payload"},
		{Tag(0x1400).String(), "tag 0x1400"},
		{ClassThrottled.String(), "throttled"},
		{ClassVendor.String(), "vendor"},
		{Class(200).String(), "class 200"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
