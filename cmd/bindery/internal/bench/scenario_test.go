package bench

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSubmitsAreCountedByCarrier(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# HELP bindery_submits_total of\nbindery_submits_total{carrier=\"bench\",status=\"ok\"} 1.5e+06\n" +
			"bindery_submits_total{carrier=\"bench1\",status=\"ok\"} 7\nbindery_submits_total{carrier=\"bench1\",status=\"throttled\"} 9\nbindery_bind_up{carrier=\"bench2\",bind=\"0\"} 1\n"))
	}))
	defer s.Close()
	got, err := stackAt(s.Listener.Addr().String()).submits(t.Context())
	if diff := cmp.Diff(map[string]float64{"bench": 1_500_000, "bench1": 7}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestFairnessIsOfWhatCameMeanwhile(t *testing.T) {
	f := Fair{}
	f.count(map[string]float64{"a": 5, "b": 1}, map[string]float64{"a": 10, "b": 9, "c": 6})
	if f.Min != 5 || f.Median != 6 || f.Max != 8 {
		t.Errorf("%+v", f)
	}
}

// What was held is looked up at a fifth, at half and at the end.
func TestWindowsOfASoak(t *testing.T) {
	k := &soaking{s: &stack{o: &Options{Duration: 10}}}
	for i := range 10 {
		k.points = append(k.points, Point{Rate: float64((i * 7) % 10), Gateway: int64(i)})
	}
	x := k.result()
	if x.Min != 0 || x.Median != 5 || x.Max != 9 || len(x.Held) != 3 || x.Held[0].Gateway != 1 || x.Held[1].Gateway != 4 || x.Held[2].Gateway != 9 {
		t.Errorf("%+v", x)
	}
}
