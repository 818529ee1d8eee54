package gateway

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bindery/config"
	"bindery/gateway/dispatch"
	"bindery/gateway/smppcarrier"
	"bindery/smpp/pdu"
)

// carrierWith is a carrier with one more setting.
func carrierWith(t *testing.T, setting string) *config.Carrier {
	t.Helper()
	return &parse(t, fmt.Sprintf(`
accounts: [{id: acme, api_key: "0123456789abcdef0123456789"}]
carriers: [{id: alpha, address: "127.0.0.1:1", system_id: b, password: s, %s}]
routes: [{id: all, carriers: [alpha]}]
`, setting)).Carriers[0]
}

// TestFieldsReachTheirPlace: each setting changes exactly what it is about.
func TestFieldsReachTheirPlace(t *testing.T) {
	mapped := func(setting string) (cfg smppcarrier.Config) {
		fields(&cfg, carrierWith(t, setting))
		return cfg
	}
	plain := mapped("")
	ours := cmpopts.IgnoreFields(smppcarrier.Config{}, "Coding", "Log") // not filled in here
	// The defaults of the file are those of the connector.
	numbers := smppcarrier.Addressing{
		Alphanumeric: &smppcarrier.Numbering{TON: 5}, Short: &smppcarrier.Numbering{TON: 3}, National: &smppcarrier.Numbering{NPI: 1},
		International: &smppcarrier.Numbering{TON: 1, NPI: 1}, Destination: &smppcarrier.Numbering{TON: 1, NPI: 1}, ShortDigits: 8,
	}
	if diff := cmp.Diff(smppcarrier.Config{Priority: &[3]uint8{1, 0, 0}, Address: numbers}, plain, ours); diff != "" {
		t.Errorf("defaults: %s", diff)
	}
	for setting, change := range map[string]func(c *smppcarrier.Config){
		"service_type: CMT":                            func(c *smppcarrier.Config) { c.ServiceType = "CMT" },
		"messaging_mode: datagram":                     func(c *smppcarrier.Config) { c.ESMClass = 1 },
		"messaging_mode: transaction":                  func(c *smppcarrier.Config) { c.ESMClass = 2 },
		"messaging_mode: store-and-forward":            func(c *smppcarrier.Config) { c.ESMClass = 3 },
		"protocol_id: 64":                              func(c *smppcarrier.Config) { c.ProtocolID = 64 },
		"priority_flag: {urgent: 0}":                   func(c *smppcarrier.Config) { c.Priority = &[3]uint8{} },
		"priority_flag: {urgent: 3,normal: 2,bulk: 1}": func(c *smppcarrier.Config) { c.Priority = &[3]uint8{3, 2, 1} },
		"validity_period: absolute":                    func(c *smppcarrier.Config) { c.AbsoluteValidity = true },
		"user_message_reference: false":                func(c *smppcarrier.Config) { c.NoTLVs = true },
		"ton_npi: {alphanumeric: 5/1}":                 func(c *smppcarrier.Config) { c.Address.Alphanumeric = &smppcarrier.Numbering{TON: 5, NPI: 1} },
		"ton_npi: {short: 0/1}":                        func(c *smppcarrier.Config) { c.Address.Short = &smppcarrier.Numbering{NPI: 1} },
		"ton_npi: {national: 2/1}":                     func(c *smppcarrier.Config) { c.Address.National = &smppcarrier.Numbering{TON: 2, NPI: 1} },
		"ton_npi: {international: 0/1}":                func(c *smppcarrier.Config) { c.Address.International = &smppcarrier.Numbering{NPI: 1} },
		"ton_npi: {destination: 0/0}":                  func(c *smppcarrier.Config) { c.Address.Destination = &smppcarrier.Numbering{} },
		"ton_npi: {short_digits: 5}":                   func(c *smppcarrier.Config) { c.Address.ShortDigits = 5 },
		"ton_npi: {short_digits: 0}":                   func(c *smppcarrier.Config) { c.Address.ShortDigits = -1 },
	} {
		want := plain
		change(&want)
		if diff := cmp.Diff(want, mapped("submit_sm: {"+setting+"}"), ours); diff != "" {
			t.Errorf("%s: %s", setting, diff)
		}
	}
	want := map[pdu.CommandStatus]dispatch.Class{0x14: dispatch.ClassThrottled, 0x58: dispatch.ClassTemporary, 0x402: dispatch.ClassOK, 0x403: dispatch.ClassPermanent, 0x404: dispatch.ClassSession}
	if diff := cmp.Diff(want, mapped("statuses: {0x14: throttled, 88: temporary, 0x402: ok, 0x403: permanent, 0X404: session}").Statuses); diff != "" {
		t.Error(diff)
	}
}

func TestDispatchingTakesTheCarriersTimes(t *testing.T) {
	d := dispatching(carrierWith(t, "throttle_pause: 1m, response_timeout: 3s, retry: {temporary: 7, uncertain: 2}"))
	if d.ThrottlePause != time.Minute || d.ResponseTimeout != 3*time.Second || d.TemporaryTries != 7 || d.UncertainTries != 2 || d.Carrier != "alpha" {
		t.Errorf("%+v", d)
	}
	if d := dispatching(carrierWith(t, "")); d.ThrottlePause != 100*time.Millisecond {
		t.Errorf("by default %s", d.ThrottlePause)
	}
}

// TestEachSettingMakesACarrierAnew: a reload tells carriers apart by all of
// their settings.
func TestEachSettingMakesACarrierAnew(t *testing.T) {
	plain := carrierWith(t, "")
	for _, setting := range []string{"throttle_pause: 1m", "statuses: {0x14: throttled}", "submit_sm: {service_type: CMT}", "submit_sm: {ton_npi: {short: 0/1}}"} {
		if reflect.DeepEqual(plain, carrierWith(t, setting)) {
			t.Errorf("%s is no change", setting)
		}
	}
}

// TestEveryFieldIsMapped: a setting of submit_sm that nobody maps would be
// ignored in silence.
func TestEveryFieldIsMapped(t *testing.T) {
	before := *carrierWith(t, "")
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+strings.ToLower(v.Type().Field(i).Name))
			}
			return
		}
		old := reflect.ValueOf(v.Interface())
		switch v.Kind() {
		case reflect.String:
			v.SetString(map[string]string{"default": "datagram", "relative": "absolute", "": "CMT"}[v.String()])
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Uint8:
			v.SetUint(v.Uint() + 1)
		}
		var a, b smppcarrier.Config
		fields(&a, carrierWith(t, ""))
		fields(&b, &before)
		if reflect.DeepEqual(a, b) {
			t.Errorf("%s changes nothing", path)
		}
		v.Set(old)
	}
	walk(reflect.ValueOf(&before.SubmitSM).Elem(), "submit_sm")
}
