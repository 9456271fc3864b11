"""What a user of the package calls beside `adapt` and `UHN`: training, and loading what was trained."""
