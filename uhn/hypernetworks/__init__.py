"""All ways to get a target model's weights, behind one call: ``generator(target) -> {name: tensor}``."""
