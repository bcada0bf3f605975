"""How a network came about: recipes, generated studies, training, evaluation, self-test."""
