package gormstore

// AsMySQL makes a store on MariaDB do without what only MariaDB has.
func (s *Store) AsMySQL() error {
	src, err := s.source()
	if err == nil {
		src.maria.Store(new(bool))
	}
	return err
}

// Statements returns all that the store has sent so far, as it was sent.
func (s *Store) Statements() (list []string) {
	s.texts.Range(func(_, text any) bool {
		list = append(list, text.(string)) //nolint:forcetypeassert // nothing else is stored
		return true
	})
	return list
}
