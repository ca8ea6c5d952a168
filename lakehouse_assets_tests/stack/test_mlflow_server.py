"""The MLflow server keeps runs in PostgreSQL and artifacts on S3; its clients need no key of the store."""

import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import boto3
import pytest

from deploy.native.stack import Stack

pytestmark = pytest.mark.stack("mlflow")

URI = "http://127.0.0.1:5000"


def test_an_artifact_goes_through_the_server_to_the_bucket(stack: Stack, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(URI)
    experiment = client.create_experiment(f"trial-{tmp_path.name}-{tmp_path.stat().st_ino}")
    run = client.create_run(experiment)
    client.log_metric(run.info.run_id, "loss", 0.5)
    (tmp_path / "note.txt").write_text("kept")
    client.log_artifact(run.info.run_id, str(tmp_path / "note.txt"))
    assert client.get_run(run.info.run_id).data.metrics == {"loss": 0.5}
    (tmp_path / "back").mkdir()
    back = client.download_artifacts(run.info.run_id, "note.txt", str(tmp_path / "back"))
    assert Path(back).read_text() == "kept"
    environment = stack.environment("mlflow")
    store = boto3.client(
        "s3", endpoint_url=environment["AWS_ENDPOINT_URL_S3"], region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    found = store.list_objects_v2(Bucket="lakehouse", Prefix=f"mlflow/{experiment}/")
    assert [item["Key"].rpartition("/")[2] for item in found["Contents"]] == ["note.txt"]


@pytest.mark.usefixtures("stack")
def test_a_foreign_host_name_is_refused() -> None:
    request = urllib.request.Request(f"{URI}/api/2.0/mlflow/experiments/search", headers={"Host": "evil.example"})
    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)
