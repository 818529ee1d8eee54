package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bindery/api/draft"
	"bindery/gateway/ingress"
	"bindery/queue"
)

type openAPIDocument struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas map[string]schema
	}
}

type schema struct {
	Properties map[string]schema
	Required   []string
	Enum       []string
	Items      *schema
}

func readOpenAPI(t *testing.T) (d openAPIDocument) {
	t.Helper()
	w := (&house{}).do(request("GET", "/openapi.json", "", "Authorization", ""))
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", w.Code, err)
	}
	return d
}

// TestOpenAPINamesEveryRoute, with its methods, and no other.
func TestOpenAPINamesEveryRoute(t *testing.T) {
	var got, want []string
	for path, operations := range readOpenAPI(t).Paths {
		for method := range operations {
			if method != "parameters" {
				got = append(got, strings.ToUpper(method)+" "+path)
			}
		}
	}
	console := []string{"/{$}", "/console/", "/"}
	for pattern, h := range (&house{}).api().routes {
		methods, ok := h.(Methods)
		if slices.Contains(console, pattern) || !ok {
			continue
		}
		for method := range methods {
			want = append(want, method+" "+pattern)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOpenAPINamesEveryMember of what is taken and answered, and no other.
func TestOpenAPINamesEveryMember(t *testing.T) {
	schemas := readOpenAPI(t).Components.Schemas
	for name, v := range map[string]any{
		"Accepted": accepted{}, "MessageView": message{}, "Canceled": canceled{}, "BatchAccepted": batchAnswer{}, "BatchView": batchView{},
		"Account": accountView{}, "Carrier": Carrier{}, "Queues": queueDepths{}, "Problem": Problem{}, "FieldError": ingress.FieldError{}, "Failure": failure{},
	} {
		holdSchema(t, name, schemas[name], reflect.TypeOf(v))
	}
	var d ingress.Draft
	for _, name := range slices.Collect(maps.Keys(schemas["Message"].Properties)) {
		if got, e := draft.Message(`{"` + name + `":"x"}`); e != nil || len(got.Faults) > 0 {
			t.Errorf("Message: %q is no field", name)
		}
	}
	if n := len(schemas["Message"].Properties); n != reflect.TypeOf(d).NumField()-2 { // Set and Faults
		t.Errorf("Message has %d fields", n)
	}
	want := slices.Sorted(maps.Keys(schemas["Message"].Properties))
	want = slices.DeleteFunc(append(want, "recipients"), func(s string) bool { return s == "to" })
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(schemas["Batch"].Properties))); diff != "" {
		t.Errorf("Batch: %s", diff)
	}
	var statuses []string
	for s := queue.StatusQueued; s <= queue.StatusUnknown; s++ {
		statuses = append(statuses, s.String())
	}
	if diff := cmp.Diff(statuses, schemas["MessageView"].Properties["status"].Enum); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(statuses)), slices.Sorted(maps.Keys(schemas["BatchView"].Properties["statuses"].Properties))); diff != "" {
		t.Error(diff)
	}
}

func holdSchema(t *testing.T, name string, s schema, of reflect.Type) {
	t.Helper()
	var all, always []string
	for i := range of.NumField() {
		member, rest, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if member == "-" {
			continue
		}
		all = append(all, member)
		if rest != "omitempty" {
			always = append(always, member)
		}
		if kind := of.Field(i).Type; kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct && s.Properties[member].Items != nil && s.Properties[member].Items.Properties != nil {
			holdSchema(t, name+"."+member, *s.Properties[member].Items, kind.Elem())
		}
	}
	slices.Sort(all)
	slices.Sort(always)
	if diff := cmp.Diff(all, slices.Sorted(maps.Keys(s.Properties))); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
	slices.Sort(s.Required)
	if diff := cmp.Diff(always, s.Required); diff != "" {
		t.Errorf("%s, required: %s", name, diff)
	}
}

// TestOpenAPIReferences: each leads somewhere.
func TestOpenAPIReferences(t *testing.T) {
	var whole any
	if err := json.Unmarshal(openAPI, &whole); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				at := whole
				for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
					m, _ := at.(map[string]any)
					at = m[step]
				}
				if at == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(whole)
	if w := (&house{}).do(request(http.MethodPost, "/openapi.json", "")); w.Code != 405 {
		t.Error(w.Code)
	}
}
