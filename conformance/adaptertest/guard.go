package adaptertest

// guards are the cases of guarded routes.
func guards() cases { return cases{} }
