"""What asks for a curtailment by itself: hours, prices, peaks, signals of the grid. Each makes a request."""
