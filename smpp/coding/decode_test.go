package coding

import (
	"errors"
	"testing"
)

func TestGSMTable(t *testing.T) {
	for r, want := range map[rune]byte{
		'@': 0x00, '£': 0x01, 'Ç': 0x09, '\n': 0x0A, '\r': 0x0D, 'Å': 0x0E, 'Δ': 0x10, '_': 0x11, 'Ξ': 0x1A,
		'Æ': 0x1C, 'É': 0x1F, ' ': 0x20, '¤': 0x24, '?': 0x3F, '¡': 0x40, 'A': 0x41, 'Ä': 0x5B, '§': 0x5F,
		'¿': 0x60, 'z': 0x7A, 'ä': 0x7B, 'à': 0x7F,
		'€': 0x65 | extended, '\f': 0x0A | extended, '^': 0x14 | extended, '\\': 0x2F | extended, '|': 0x40 | extended,
		'ç': noSeptet, '`': noSeptet, escape: noSeptet, '\u00a0': noSeptet, 'Α': noSeptet, 0: noSeptet, 'ж': noSeptet,
	} {
		if got := septetOf(r); got != want {
			t.Errorf("%q: %#x, want %#x", r, got, want)
		}
	}
	held := 0
	for r := rune(0); r < 0x10000; r++ {
		if septetOf(r) != noSeptet {
			held++
		}
	}
	if held != 127+10 {
		t.Errorf("the alphabet has %d characters, want 127 and 10", held)
	}
}

func TestDecode(t *testing.T) {
	var p Profile
	packed := Profile{Encodings: []Encoding{GSM7Packed}}
	tests := []struct {
		name   string
		p      *Profile
		octets string
		coding uint8
		want   string
		err    error
	}{
		{"gsm", &p, "\x00\x1b\x65", 0, "@€", nil},
		{"gsm, unknown after the escape", &p, "\x1b\x41", 0, "A", nil},
		{"gsm, two escapes", &p, "a\x1b\x1bb", 0, "a b", nil},
		{"gsm, escape at the end", &p, "a\x1b", 0, "a\uFFFD", ErrBadText},
		{"gsm, eighth bit", &p, "a\xe9", 0, "a\uFFFD", ErrBadText},
		{"gsm, eighth bit behind the escape", &p, "\x1b\xe9", 0, "\uFFFD", ErrBadText},
		{"packed, one septet", &packed, "\x61", 0, "a", nil},
		{"packed, filled", &packed, "\x31\xd9\x8c\x56\xb3\xdd\x1a", 0, "1234567", nil},
		{"packed, eight", &packed, "\x31\xd9\x8c\x56\xb3\xdd\x70", 0, "12345678", nil},
		{"packed, nothing", &packed, "", 0, "", nil},
		{"ascii", &p, "a~", 1, "a~", nil},
		{"ascii, eighth bit", &p, "a\xe9", 1, "a\uFFFD", ErrBadText},
		{"latin1", &p, "\xe9", 3, "é", nil},
		{"cyrillic", &p, "\xd6", 6, "ж", nil},
		{"hebrew", &p, "\xf9", 7, "ש", nil},
		{"hebrew, unassigned", &p, "\xbf", 7, "\uFFFD", ErrBadText},
		{"ucs2, lone high", &p, "\xd8\x3d\x00a", 8, "\uFFFDa", ErrBadText},
		{"ucs2, lone low", &p, "\xde\x18", 8, "\uFFFD", ErrBadText},
		{"ucs2, high at the end", &p, "\x00a\xd8\x3d", 8, "a\uFFFD", ErrBadText},
		{"ucs2, odd", &p, "\x00a\x00", 8, "a\uFFFD", ErrBadText},
		{"ucs2, U+FFFD", &p, "\xff\xfd", 8, "\uFFFD", nil},
		{"euc-kr", &p, "a\xb0\xa1", 14, "a가", nil},
		{"euc-kr, as CP949", &p, "\x94\xee", 14, "뷁", nil},
		{"euc-kr, half", &p, "a\xb0", 14, "a\uFFFD", ErrBadText},
		{"euc-kr, half before ASCII", &p, "\xb0 a", 14, "\uFFFD a", ErrBadText},
		{"octets", &p, "a", 4, "", ErrNotText},
		{"nobody's", &p, "a", 9, "", ErrNotText},
	}
	for _, tt := range tests {
		got, err := tt.p.Decode([]byte(tt.octets), tt.coding)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestUDH(t *testing.T) {
	tests := []struct {
		name   string
		octets string
		want   Concat
		found  bool
		bad    bool
	}{
		{"8 bits", "\x05\x00\x03\x00\x02\x01x", Concat{0, 2, 1, false}, true, false},
		{"16 bits", "\x06\x08\x04\x01\x02\x03\x03x", Concat{0x102, 3, 3, true}, true, false},
		{"behind ports", "\x0b\x05\x04\x15\x81\x00\x00\x00\x03\x07\x02\x02", Concat{7, 2, 2, false}, true, false},
		{"the last counts", "\x0a\x00\x03\x07\x02\x01\x00\x03\x08\x02\x02", Concat{8, 2, 2, false}, true, false},
		{"ports only", "\x06\x05\x04\x15\x81\x00\x00", Concat{}, false, false},
		{"part 0", "\x05\x00\x03\x07\x02\x00", Concat{}, false, false},
		{"past the total", "\x05\x00\x03\x07\x02\x03", Concat{}, false, false},
		{"of 0", "\x05\x00\x03\x07\x00\x00", Concat{}, false, false},
		{"short element", "\x04\x00\x02\x07\x02", Concat{}, false, false},
		{"empty header", "\x00x", Concat{}, false, false},
		{"no user data", "", Concat{}, false, true},
		{"longer than the message", "\x06\x00\x03\x07\x02\x01", Concat{}, false, true},
		{"255", "\xff", Concat{}, false, true},
		{"element runs over", "\x04\x00\x03\x07\x02x", Concat{}, false, true},
		{"element without a length", "\x01\x00x", Concat{}, false, true},
	}
	for _, tt := range tests {
		f, err := ParseFragment([]byte(tt.octets), 0, 0x40)
		if errors.Is(err, ErrBadUDH) != tt.bad || (f.Concat.Total != 0) != tt.found || f.Concat != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, f.Concat, err)
		}
	}
}

func TestJoin(t *testing.T) {
	part := func(seq, total uint8, ref uint16, dataCoding uint8, body string) Fragment {
		return Fragment{Concat: Concat{Ref: ref, Total: total, Seq: seq}, DataCoding: dataCoding, Body: []byte(body)}
	}
	tests := []struct {
		name  string
		parts []Fragment
		want  string // "-": an error
	}{
		{"whole", []Fragment{{Body: []byte("a")}}, "a"},
		{"twice the same part", []Fragment{part(2, 2, 0, 0, "b"), part(2, 2, 0, 0, "b"), part(1, 2, 0, 0, "a")}, "ab"},
		{"cut through an escape", []Fragment{part(1, 2, 5, 0, "a\x1b"), part(2, 2, 5, 0, "\x65")}, "a€"},
		{"cut through a surrogate pair", []Fragment{part(2, 2, 5, 8, "\xde\x18"), part(1, 2, 5, 8, "\xd8\x3d")}, "😘"},
		{"two encodings", []Fragment{part(1, 2, 5, 0, "a"), part(2, 2, 5, 8, "\x04\x36")}, "aж"},
		{"a part is missing", []Fragment{part(1, 2, 5, 0, "a")}, "-"},
		{"of two messages", []Fragment{part(1, 2, 5, 0, "a"), part(2, 2, 6, 0, "b")}, "-"},
		{"of two totals", []Fragment{part(1, 2, 5, 0, "a"), part(2, 3, 5, 0, "b")}, "-"},
		{"octets among them", []Fragment{part(1, 2, 5, 0, "a"), part(2, 2, 5, 4, "b")}, "-"},
		{"none", nil, "-"},
		{"two that are no parts", []Fragment{{}, {}}, "-"},
	}
	var p Profile
	for _, tt := range tests {
		got, err := p.Join(tt.parts)
		if (err != nil) != (tt.want == "-") || err == nil && got != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestClassifyKorean(t *testing.T) {
	if class, n, err := ClassifyKorean("가가", 3, 3); class != KoreanTooLong || n != 4 || err != nil {
		t.Errorf("%s, %d, %v", class, n, err)
	}
	var lacks *UnencodableError
	if _, _, err := ClassifyKorean("가😀", 90, 2000); !errors.As(err, &lacks) || lacks.Rune != '😀' || lacks.Position != 2 {
		t.Errorf("%v", err)
	}
	if _, _, err := ClassifyKorean("가\xff", 90, 2000); !errors.Is(err, ErrInvalidText) {
		t.Errorf("%v", err)
	}
}
