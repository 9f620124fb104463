/* 1,000 fixed steps of gradient descent on Rosenbrock's function, 32 lanes side by side in vector registers, on all
   cores. Compiled by fixed_steps.py with: cc -O3 -march=native -ffast-math -fopenmp -shared -fPIC */
void rosenbrock_fixed_steps(double *x, double *y, long n_lanes, long n_steps, double rate) {
#pragma omp parallel for schedule(static)
  for (long first = 0; first < n_lanes; first += 32) {
    double u[32], v[32];
    for (int i = 0; i < 32; i++) u[i] = x[first + i], v[i] = y[first + i];
    for (long k = 0; k < n_steps; k++)
      for (int i = 0; i < 32; i++) {
        double t = v[i] - u[i] * u[i];
        double slope_u = -400 * u[i] * t - 2 * (1 - u[i]), slope_v = 200 * t;
        u[i] -= rate * slope_u;
        v[i] -= rate * slope_v;
      }
    for (int i = 0; i < 32; i++) x[first + i] = u[i], y[first + i] = v[i];
  }
}
