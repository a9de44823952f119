package main

import (
	"slices"
	"testing"
)

func TestTargets(t *testing.T) {
	const src = `package p
import "testing"
func FuzzOne(f *testing.F) {}
func FuzzHelper(n int) {}
func (x T) FuzzMethod(f *testing.F) {}
func TestTwo(t *testing.T) {}
func FuzzThree(f *testing.F) {}
`
	got, err := targets("p_test.go", src)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"FuzzOne", "FuzzThree"}; !slices.Equal(got, want) {
		t.Errorf("targets = %q, want %q", got, want)
	}
}
