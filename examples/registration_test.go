package examples_test

import (
	"slices"
	"testing"
)

func TestRegistration(t *testing.T) {
	t.Parallel()
	p := start(t, "registration")
	if got := paste(t, p.said); !slices.Equal(got, []string{"201", "201", "400", "401"}) {
		t.Errorf("the pasted lines = %v, want 201 201 400 401", got)
	}
}
