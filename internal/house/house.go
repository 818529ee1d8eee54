// Package house holds no code: its test keeps the imports running one way.
package house
