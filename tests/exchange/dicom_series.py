"""A CT series as files, written by pydicom from a volume of the builders; the tests' own hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.domain.volume import Volume


def write_ct_series(volume: Volume, folder: Path) -> Volume:
    """Write one file for each slice, and return the volume with the files in its identity."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian
    from pydicom.valuerep import format_number_as_ds

    folder.mkdir(parents=True, exist_ok=True)
    identity, grid = volume.identity, volume.grid
    instances = []
    for k, instance in enumerate(identity.instances):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = UID(instance.sop_class_uid)
        meta.MediaStorageSOPInstanceUID = UID(instance.sop_instance_uid)
        ds = Dataset()
        ds.file_meta = meta
        ds.SOPClassUID, ds.SOPInstanceUID = instance.sop_class_uid, instance.sop_instance_uid
        ds.PatientName, ds.PatientID = identity.patient.name, identity.patient.id
        ds.PatientBirthDate, ds.PatientSex = identity.patient.birth_date, identity.patient.sex
        ds.StudyInstanceUID, ds.SeriesInstanceUID = identity.study.uid, identity.series.uid
        ds.StudyDate, ds.StudyTime = identity.study.date, identity.study.time
        ds.AccessionNumber, ds.StudyID, ds.Modality = identity.study.accession, "1", "CT"
        ds.FrameOfReferenceUID = identity.frame_of_reference_uid
        ds.InstanceNumber = k + 1
        ds.ImagePositionPatient = [format_number_as_ds(float(v)) for v in grid.world((0, 0, k))]
        cosines = (*grid.directions[:, 0], *grid.directions[:, 1])
        ds.ImageOrientationPatient = [format_number_as_ds(float(v)) for v in cosines]
        column_mm, row_mm, _ = grid.spacing_ijk_mm
        ds.PixelSpacing = [format_number_as_ds(row_mm), format_number_as_ds(column_mm)]
        ds.Rows, ds.Columns = grid.shape_kji[1:]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept = 1, 0
        ds.PixelData = np.ascontiguousarray(volume.stored[k], dtype="<i2").tobytes()
        path = folder / f"{k:03d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        instances.append(replace(instance, path=str(path)))
    return replace(volume, identity=replace(identity, instances=tuple(instances)))
