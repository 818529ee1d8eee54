//go:build !race

package dlr

const raceEnabled = false
