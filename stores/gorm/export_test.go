package gormstore

// Statements returns all that the store has sent so far, as it was sent.
func (s *Store) Statements() (list []string) {
	s.texts.Range(func(_, text any) bool {
		list = append(list, text.(string)) //nolint:forcetypeassert,errcheck // nothing else is stored
		return true
	})
	return list
}
