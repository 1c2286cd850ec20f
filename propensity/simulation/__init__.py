"""The parts of the simulator: facts about the real table, columns, the response function, files."""
