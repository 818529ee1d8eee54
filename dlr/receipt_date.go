package dlr

import "time"

// ParseDate reads a submit or done date: YYMMDDhhmm (Appendix B), YYMMDDhhmmss
// or YYYYMMDDhhmmss, in the zone of the carrier (nil: UTC), since none of them names one.
// Twelve digits that make no sense so are tried as YYYYMMDDhhmm. Zeros, and
// what is no date, are none. Dates are for the reader of a timeline: nothing
// is decided by them.
func ParseDate(digits []byte, zone *time.Location) (time.Time, bool) {
	if zone == nil {
		zone = time.UTC
	}
	switch len(digits) {
	case 10:
		return dateOf(2000, digits, zone)
	case 12:
		if t, ok := dateOf(2000, digits, zone); ok {
			return t, true
		}
		return dateOf(0, digits, zone)
	case 14:
		return dateOf(0, digits, zone)
	default:
		return time.Time{}, false
	}
}

// dateOf reads pairs of digits from the year on; a century of 0 means that the
// year has four digits.
func dateOf(century int, digits []byte, zone *time.Location) (time.Time, bool) {
	var v [7]int
	for i, c := range digits {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		v[i/2] = v[i/2]*10 + int(c-'0')
	}
	year, rest := century+v[0], v[1:]
	if century == 0 {
		year, rest = v[0]*100+v[1], v[2:]
	}
	month, day, hour, minute, second := rest[0], rest[1], rest[2], rest[3], rest[4]
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, zone)
	// time.Date carries what runs over into the next month or day.
	if year == 0 || t.Month() != time.Month(month) || t.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return t, true
}
