import io.trino.server.Server;

/** Starts the server of the jars on the class path; its own launcher is not among them. */
public final class StartTrino {
    private StartTrino() {}

    public static void main(String[] arguments) {
        new Server().start(arguments[0]);
    }
}
