package config

import (
	"testing"

	"bindery/smpp/coding"
)

// TestNamesAreCodings holds the names that the file may use against those that
// are understood.
func TestNamesAreCodings(t *testing.T) {
	for _, name := range encodingNames {
		if e, err := coding.ParseEncoding(name); err != nil || e.String() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if known := int(coding.Binary - coding.Auto - 1); known != len(encodingNames) {
		t.Errorf("%d encodings are known, the file may name %d", known, len(encodingNames))
	}
	for _, name := range longMessages {
		if l, err := coding.ParseLongMessage(name); err != nil || l.String() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if known := int(coding.Payload) + 1; known != len(longMessages) {
		t.Errorf("%d ways are known, the file may name %d", known, len(longMessages))
	}
}
