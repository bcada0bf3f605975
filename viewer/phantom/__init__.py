"""Generated studies with known truth: demonstration, self-test, tests and training. No patients."""
