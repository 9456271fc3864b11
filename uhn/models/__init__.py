"""Target models: configuration -> ordinary module made of generated layers, with its descriptors and ranges."""
