"""Sound in the manner of another: spectra as layers, and the objective, run and files of `sfumato sound`."""
