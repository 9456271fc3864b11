"""What a generator is told about a target model: index, structure and task descriptors (paper, Section 3)."""
