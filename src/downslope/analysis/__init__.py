"""Facts about a point, a method or a path: curvature, critical points, multipliers, behaviour."""
