"""Facts about points, against closed forms, chosen matrices and other people's root finders."""
