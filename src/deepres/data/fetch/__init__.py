"""Data sets from elsewhere: downloads that go on, archives that nothing can leave."""
