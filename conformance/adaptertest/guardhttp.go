package adaptertest

// preflight are the fields of a CORS preflight.
func preflight() []string {
	return []string{"Origin", "https://app.example.com", "Access-Control-Request-Method", "GET"}
}
